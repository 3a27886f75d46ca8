-- Records a client as present. KEYS: present, members. ARGV: client, member, lifetime in ms, channel.
local time = now()
expire(time, ARGV[4])
local until_ = string.format('%.0f', time + ARGV[3])
local isNew = redis.call('ZADD', KEYS[1], until_, ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
-- A minute longer than the last client, so that its leave can still be announced.
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2] + 60000
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', last))
redis.call('PEXPIREAT', KEYS[2], string.format('%.0f', last))
if isNew == 1 then
    redis.call('$PUBLISH', ARGV[4], '\1\2' .. ARGV[2])
end
return isNew
