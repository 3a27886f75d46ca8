-- Reads a part of a room's history and its top position, of one moment; returns
-- {'<offset>:<epoch>', 1 when the position asked for lies on the way to the top, entries}.
-- KEYS: meta, stream. ARGV: a fresh epoch, most entries, the meta's lifetime in ms, epoch and offset of the position asked
-- for (offset -1: none), most to return (0: none, negative: all), '1' for newest first.
local epoch, top, past = open(KEYS[1], KEYS[2], ARGV[1])
live(KEYS[1], ARGV[3])

local since, limit = tonumber(ARGV[5]), tonumber(ARGV[6])
local continues = since < 0 or (ARGV[4] == epoch and since <= top)
if not continues then
    for old, last in string.gmatch(past, '(%S-):(%d+) ') do
        if old == ARGV[4] then
            continues = since <= tonumber(last)
            break
        end
    end
end

-- MAXLEN with '~' keeps some more than were asked for.
local low, high, entries = math.max(1, top - tonumber(ARGV[2]) + 1), top, {}
if since >= 0 then
    if ARGV[7] == '1' then
        high = math.min(high, since - 1)
    else
        low = math.max(low, since + 1)
    end
end
if limit < 0 or limit > high - low + 1 then
    limit = high - low + 1
end
if limit > 0 then
    if ARGV[7] == '1' then
        entries = redis.call('XREVRANGE', KEYS[2], decimal(high), decimal(low), 'COUNT', decimal(limit))
    else
        entries = redis.call('XRANGE', KEYS[2], decimal(low), decimal(high), 'COUNT', decimal(limit))
    end
end
return {decimal(top) .. ':' .. epoch, continues and 1 or 0, entries}
