-- Numbers, stores and announces one publication in one step; returns '<offset>:<epoch>'.
-- KEYS: meta, stream. ARGV: body, most entries, the stream's and the meta's lifetime in ms, a fresh epoch, channel.
local epoch, offset = open(KEYS[1], KEYS[2], ARGV[5])
offset = decimal(offset + 1)
-- The stream first: it is what may be refused, and then the offset has not been given.
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], offset .. '-0', 'd', ARGV[1])
redis.call('HSET', KEYS[1], 'offset', offset)
live(KEYS[2], ARGV[3])
live(KEYS[1], ARGV[4])
local position = offset .. ':' .. epoch
redis.call('$PUBLISH', ARGV[6], '\1\1' .. position .. ':' .. ARGV[1])
return position
