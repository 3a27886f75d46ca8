-- Numbers, stores and announces one publication in one step; returns '<offset>:<epoch>', or '0:' if it could only be
-- announced. KEYS: meta, stream. ARGV: body, most entries, the stream's and the meta's lifetime in ms, a fresh epoch, channel,
-- '1' if it is announced also if it cannot be stored, how many offsets to skip before it.
local function store()
    local epoch, offset = open(KEYS[1], KEYS[2], ARGV[5])
    offset = decimal(offset + 1 + ARGV[8])
    -- The stream first: this write may be refused, and then the offset has not been used.
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], offset .. '-0', 'd', ARGV[1])
    redis.call('HSET', KEYS[1], 'offset', offset)
    live(KEYS[2], ARGV[3])
    live(KEYS[1], ARGV[4])
    return offset .. ':' .. epoch
end

local isStored, position = pcall(store)
if not isStored then
    local reason = type(position) == 'table' and position.err or tostring(position)
    -- A server that is full, or may not write without its replicas or its disk, still announces.
    local code = string.match(reason, '^%-?(%u+)')
    if ARGV[7] ~= '1' or not (code == 'OOM' or code == 'NOREPLICAS' or code == 'MISCONF') then
        return redis.error_reply(reason)
    end
    position = '0:'
end
-- A stored publication is published even if the announcement is refused: other nodes find it by its offset.
redis.pcall('$PUBLISH', ARGV[6], '\1\1' .. position .. ':' .. ARGV[1])
return position
