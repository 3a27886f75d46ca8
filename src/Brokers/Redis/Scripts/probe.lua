-- Writes and announces like a publication, so that a read-only server is detected. It is announced in any case, which probes
-- the link; the reply is the refusal to write, if there was one. KEYS: a key of the node's own at this server, in the channel's
-- slot. ARGV: channel, announcement.
local written = redis.pcall('HSET', KEYS[1], 'n', '1')
redis.pcall('PEXPIRE', KEYS[1], 60000)
redis.call('$PUBLISH', ARGV[1], ARGV[2])
return written
