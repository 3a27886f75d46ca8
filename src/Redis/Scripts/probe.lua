-- Does what a publication does, writing and announcing, so that a server that only reads is found. It is announced in any
-- case, which tries the link; the answer is the refusal to write, if there was one. KEYS: a key of the node's own at this
-- server, in the channel's slot. ARGV: channel, announcement.
local written = redis.pcall('HSET', KEYS[1], 'n', '1')
redis.pcall('PEXPIRE', KEYS[1], 60000)
redis.call('$PUBLISH', ARGV[1], ARGV[2])
return written
