-- Reads a part of a room's history and its position, at one moment; returns {'<offset>:<epoch>', past, entries}.
-- KEYS: meta, stream. ARGV: a fresh epoch, most entries, the meta's lifetime in ms, the offset to begin after (or before it,
-- when reading backwards; -1: none), most to return (0: none, negative: all), '1' for newest first.
local epoch, top, past = open(KEYS[1], KEYS[2], ARGV[1])
live(KEYS[1], ARGV[3])

local since, limit = tonumber(ARGV[4]), tonumber(ARGV[5])
-- MAXLEN with '~' keeps some more than were requested.
local low, high, entries = math.max(1, top - tonumber(ARGV[2]) + 1), top, {}
if since >= 0 then
    if ARGV[6] == '1' then
        high = math.min(high, since - 1)
    else
        low = math.max(low, since + 1)
    end
end
if limit < 0 or limit > high - low + 1 then
    limit = high - low + 1
end
if limit > 0 then
    if ARGV[6] == '1' then
        entries = redis.call('XREVRANGE', KEYS[2], decimal(high), decimal(low), 'COUNT', decimal(limit))
    else
        entries = redis.call('XRANGE', KEYS[2], decimal(low), decimal(high), 'COUNT', decimal(limit))
    end
end
return {decimal(top) .. ':' .. epoch, past, entries}
