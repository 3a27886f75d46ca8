-- Leaves out a number of a room's sequence: publications were given to members of a node without one. Returns
-- '<offset>:<epoch>', the number left out. KEYS: meta, stream. ARGV: a fresh epoch, the meta's lifetime in ms.
local epoch, offset = open(KEYS[1], KEYS[2], ARGV[1])
offset = decimal(offset + 1)
redis.call('HSET', KEYS[1], 'offset', offset)
live(KEYS[1], ARGV[2])
return offset .. ':' .. epoch
