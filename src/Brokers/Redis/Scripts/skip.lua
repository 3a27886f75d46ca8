-- Skips an offset of a room's sequence: a node delivered publications without an offset to its members. Returns
-- '<offset>:<epoch>', the skipped offset. KEYS: meta, stream. ARGV: a fresh epoch, the meta's lifetime in ms.
local epoch, offset = open(KEYS[1], KEYS[2], ARGV[1])
offset = decimal(offset + 1)
redis.call('HSET', KEYS[1], 'offset', offset)
live(KEYS[1], ARGV[2])
return offset .. ':' .. epoch
