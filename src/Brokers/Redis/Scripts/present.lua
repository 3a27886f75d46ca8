-- Reads the clients that are present now. KEYS: present, members. ARGV: channel.
expire(now(), ARGV[1])
return redis.call('HVALS', KEYS[2])
