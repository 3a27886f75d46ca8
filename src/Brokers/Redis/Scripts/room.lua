-- The log of a room, shared by the scripts that read or write its history.
--   meta (hash)     epoch   the name of the sequence of offsets
--                   offset  the last offset used
--                   line    the replication id of the server that assigned it
--                   past    'epoch:offset ...', newest first: sequences that this one continues, and from where
--   stream          one entry per publication, with the id '<offset>-0'
--
-- A server has a new replication id after each start, and after each promotion of a replica. Both may have lost the last
-- offsets that were assigned, and would assign them again to other publications; so the sequence continues under a new epoch,
-- and the offset at that time is recorded: up to it the old epoch is still valid, beyond it the content is unknown.
local function open(meta, stream, fresh)
    local line = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
    local kept = redis.call('HMGET', meta, 'epoch', 'offset', 'line', 'past')
    local epoch, offset, past = kept[1], kept[2], kept[4]
    if not epoch then
        -- First the write that a full server refuses: after a DEL it refuses none (findings/redis-script-oom-after-del.sh).
        redis.call('HSET', meta, 'epoch', fresh, 'offset', '0', 'line', line, 'past', '')
        -- Entries without their meta would refuse the offsets that follow.
        redis.call('DEL', stream)
        return fresh, 0, ''
    end
    if kept[3] ~= line then
        past = epoch .. ':' .. offset .. ' ' .. past
        -- Bounded: a client with an epoch older than these is answered that the epoch is unknown.
        if #past > 400 then
            past = string.match(string.sub(past, 1, 400), '^(.* )') or ''
        end
        epoch = fresh
        redis.call('HSET', meta, 'epoch', epoch, 'line', line, 'past', past)
    end
    return epoch, tonumber(offset), past
end

-- If it is refused, the read that called it is answered all the same. After a write it is not refused.
local function live(key, ttl)
    if ttl == '0' then
        redis.pcall('PERSIST', key)
    else
        redis.pcall('PEXPIRE', key, ttl)
    end
end

-- Not tostring: it has 14 digits only.
local function decimal(number)
    return string.format('%.0f', number)
end
