-- The presence of a room, shared by the scripts below.
--   present (sorted set)  client by the time, in ms of this server, until which it counts
--   members (hash)        client to the member that is announced for it
local function now()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function leave(client, channel)
    local member = redis.call('HGET', KEYS[2], client)
    redis.call('ZREM', KEYS[1], client)
    redis.call('HDEL', KEYS[2], client)
    if member then
        redis.call('$PUBLISH', channel, '\1\3' .. member)
    end
end

-- A client whose node has gone leaves at the next access.
local function expire(time, channel)
    for _, client in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', time))) do
        leave(client, channel)
    end
end
