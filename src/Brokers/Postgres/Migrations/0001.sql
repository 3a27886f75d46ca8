-- The schema of Weir: docs/operations/postgres.md. The migration runs this in one transaction.

-- ----- History: rows are inserted and removed, and never updated where publications are frequent: a version of a row that is updated a
-- thousand times a second could not be removed while any long transaction runs (a dump, a report), and each access would pass them all.

CREATE TABLE weir.room (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name bytea NOT NULL UNIQUE,          -- UTF-8; not text, which has no U+0000
    epoch text NOT NULL,
    line text NOT NULL,                  -- the system identifier and timeline under which the epoch began
    past text NOT NULL DEFAULT '',       -- 'epoch:offset ...', newest first: sequences that this one continues, and from where
    low bigint NOT NULL DEFAULT 0,       -- publications up to it are removed or expired
    size integer NOT NULL,               -- the most publications kept
    ttl bigint NOT NULL,                 -- ms after the last publication; 0: indefinitely
    meta bigint NOT NULL,                -- ms after the last use; 0: indefinitely
    used timestamptz NOT NULL
);

-- The row with the highest offset of a room is never removed before the room: it has the room's top.
CREATE TABLE weir.history (
    room bigint NOT NULL,
    off bigint NOT NULL,
    at timestamptz NOT NULL,
    body bytea,                          -- null: an offset that was skipped, or a publication that was removed
    PRIMARY KEY (room, off)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0, autovacuum_vacuum_insert_scale_factor = 0.2);

-- ----- Announcements: one row per batch, dense numbers in each lane (0: publications with an offset, 1: all others) in the order of the
-- commits. Unlogged: after a crash they are gone, and so are all connections, so that each node compares the positions of its rooms.

CREATE UNLOGGED TABLE weir.announcement (
    part smallint NOT NULL,
    lane smallint NOT NULL,
    seq bigint NOT NULL,
    node text NOT NULL,
    rooms bytea[] NOT NULL,
    epochs text[],
    tops bigint[],                       -- of each room, before this batch
    room integer[] NOT NULL,             -- of each body: its room, from 1
    rel integer[],                       -- of each body: its offset less the room's top
    bodies bytea[] NOT NULL
) PARTITION BY LIST (part);

-- In use in turn, a minute each, and emptied as files: no dead rows, however long other transactions run.
CREATE UNLOGGED TABLE weir.announcement_0 PARTITION OF weir.announcement FOR VALUES IN (0);
CREATE UNLOGGED TABLE weir.announcement_1 PARTITION OF weir.announcement FOR VALUES IN (1);
CREATE UNLOGGED TABLE weir.announcement_2 PARTITION OF weir.announcement FOR VALUES IN (2);
CREATE UNIQUE INDEX announcement_0_seq ON weir.announcement_0 (lane, seq);
CREATE UNIQUE INDEX announcement_1_seq ON weir.announcement_1 (lane, seq);
CREATE UNIQUE INDEX announcement_2_seq ON weir.announcement_2 (lane, seq);

-- Not compressed: a batch is read once by each node, within milliseconds.
DO $$
BEGIN
    FOR i IN 0..2 LOOP
        EXECUTE format('ALTER TABLE weir.announcement_%s ALTER bodies SET STORAGE EXTERNAL, ALTER rooms SET STORAGE EXTERNAL, '
            'ALTER room SET STORAGE EXTERNAL, ALTER rel SET STORAGE EXTERNAL, ALTER tops SET STORAGE EXTERNAL, '
            'ALTER epochs SET STORAGE EXTERNAL', i);
        EXECUTE format('ALTER TABLE weir.announcement_%s SET (autovacuum_enabled = false)', i);
    END LOOP;
END $$;

-- One row, as old as the announcements: another one after a crash, and on a standby that was promoted.
CREATE UNLOGGED TABLE weir.generation (only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one), id text NOT NULL);

-- ----- Presence

CREATE UNLOGGED TABLE weir.presence (
    room bytea NOT NULL,
    client text NOT NULL,
    until timestamptz NOT NULL,
    member bytea NOT NULL,
    PRIMARY KEY (room, client)
) WITH (fillfactor = 50, autovacuum_vacuum_cost_delay = 0);

-- The node that moves the outbox and sweeps, until when.
CREATE UNLOGGED TABLE weir.keeper (only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one), node text NOT NULL, until timestamptz NOT NULL);

-- ----- The outbox: publications of applications' own transactions.

CREATE SEQUENCE weir.turn;

CREATE TABLE weir.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    turn bigint,                         -- the order of the commits: given by the trigger
    room text NOT NULL CHECK (room <> '' AND octet_length(room) <= 1024),
    data bytea NOT NULL CHECK (octet_length(data) <= 16777216),
    is_binary boolean NOT NULL DEFAULT false,
    key text CHECK (octet_length(key) <= 1024),
    CONSTRAINT text_is_utf8 CHECK (is_binary OR convert_from(data, 'UTF8') IS NOT NULL)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX outbox_turn ON weir.outbox (turn);

-- Deferred: runs in the COMMIT, so that a transaction that commits after another has the higher turn, whenever it published.
CREATE FUNCTION weir.take_turn() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE weir.outbox SET turn = nextval('weir.turn') WHERE id = NEW.id;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER take_turn AFTER INSERT ON weir.outbox
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION weir.take_turn();

-- Publishes with the transaction that calls it: all or nothing.
CREATE FUNCTION weir.publish(room text, data text, key text DEFAULT NULL) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO weir.outbox (room, data, key) VALUES (room, convert_to(data, 'UTF8'), key);
$$;

CREATE FUNCTION weir.publish_binary(room text, data bytea, key text DEFAULT NULL) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO weir.outbox (room, data, is_binary, key) VALUES (room, data, true, key);
$$;

-- To be called after the COMMIT, in a transaction of its own: the outbox is read at once instead of at the next interval.
CREATE FUNCTION weir.wake() RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_notify('weir', 'outbox');
$$;

-- ----- What the nodes call

CREATE FUNCTION weir.line(p_system text) RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    -- Not the timeline of the last checkpoint, which is old for seconds after a promotion.
    SELECT p_system || ':' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8);
$$;

-- Begins to listen: the generation, and the last number of each lane.
CREATE FUNCTION weir.begin_listening(p_node text, OUT o_generation text, OUT o_kept bigint, OUT o_plain bigint) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_lock_shared(1464159571, hashtext(p_node)); -- for as long as this session listens
    INSERT INTO weir.generation (id) VALUES (gen_random_uuid()::text) ON CONFLICT DO NOTHING;
    SELECT id INTO STRICT o_generation FROM weir.generation;
    SELECT coalesce((SELECT seq FROM weir.announcement WHERE lane = 0 ORDER BY seq DESC LIMIT 1), 0),
        coalesce((SELECT seq FROM weir.announcement WHERE lane = 1 ORDER BY seq DESC LIMIT 1), 0) INTO o_kept, o_plain;
END $$;

-- Whether a session of that node listens.
CREATE FUNCTION weir.is_linked(p_node text) RETURNS boolean LANGUAGE sql AS $$
    SELECT NOT pg_try_advisory_xact_lock(1464159571, hashtext(p_node));
$$;

-- Announces a batch; the lane's lock is held from here to the end of the transaction, so that numbers are in the order of the commits.
CREATE FUNCTION weir.announce(
    p_lane smallint, p_node text, p_rooms bytea[], p_epochs text[], p_tops bigint[], p_room integer[], p_rel integer[], p_bodies bytea[])
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_seq bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(1464159570, p_lane);
    SELECT seq INTO v_seq FROM weir.announcement WHERE lane = p_lane ORDER BY seq DESC LIMIT 1;
    v_seq := coalesce(v_seq, 0) + 1;
    INSERT INTO weir.announcement (part, lane, seq, node, rooms, epochs, tops, room, rel, bodies)
        VALUES (extract(epoch FROM clock_timestamp())::bigint / 60 % 3, p_lane, v_seq, p_node, p_rooms, p_epochs, p_tops, p_room, p_rel, p_bodies);
    RETURN v_seq;
END $$;

-- Numbers, stores and announces a batch of publications of rooms with history; without publications: only opens the rooms.
-- A statement has one snapshot, taken before it waits for a lock: so the lock is a statement of its own, and comes first.
CREATE FUNCTION weir.append(
    p_node text, p_system text,
    p_rooms bytea[],                     -- each once
    p_fresh text[], p_sizes integer[], p_ttls bigint[], p_metas bigint[],
    p_room integer[], p_rel integer[], p_bodies bytea[],
    OUT o_seq bigint, OUT o_epochs text[], OUT o_tops bigint[], OUT o_ids bigint[])
LANGUAGE plpgsql AS $$
DECLARE
    v_line text;
    v_now timestamptz;
    v record;
    v_id bigint;
    v_epoch text;
BEGIN
    PERFORM pg_advisory_xact_lock(1464159570, 0);
    v_line := weir.line(p_system);
    v_now := clock_timestamp();
    o_epochs := '{}';
    o_tops := '{}';
    o_ids := '{}';
    FOR v IN
        SELECT g.name, g.fresh, g.size, g.ttl, g.meta, r.id, r.epoch, r.line, r.past, r.low, r.size AS old_size, r.ttl AS old_ttl,
            r.meta AS old_meta, r.used, t.at, coalesce(t.off, 0) AS top
        FROM unnest(p_rooms, p_fresh, p_sizes, p_ttls, p_metas) WITH ORDINALITY AS g (name, fresh, size, ttl, meta, n)
        LEFT JOIN LATERAL (SELECT * FROM weir.room WHERE room.name = g.name LIMIT 1) AS r ON true
        LEFT JOIN LATERAL (SELECT h.off, h.at FROM weir.history AS h WHERE h.room = r.id ORDER BY h.off DESC LIMIT 1) AS t ON true
        ORDER BY g.n
    LOOP
        v_id := v.id;
        v_epoch := v.epoch;
        IF v_id IS NULL THEN
            v_epoch := v.fresh;
            INSERT INTO weir.room (name, epoch, line, size, ttl, meta, used)
                VALUES (v.name, v_epoch, v_line, v.size, v.ttl, v.meta, v_now) RETURNING id INTO v_id;
        ELSIF v.line <> v_line THEN
            -- A promoted standby may lack the last publications, and would give their offsets to others: the sequence continues under a
            -- new epoch, and up to here the old one is still valid. Bounded: older ones are unknown to it.
            v_epoch := v.fresh;
            UPDATE weir.room SET epoch = v_epoch, line = v_line,
                past = substring(left(v.epoch || ':' || v.top || ' ' || v.past, 400) FROM '^(?:.* )?'),
                size = v.size, ttl = v.ttl, meta = v.meta, used = v_now,
                low = CASE WHEN v.old_ttl > 0 AND v.at + v.old_ttl * interval '1 ms' <= v_now THEN v.top ELSE v.low END
                WHERE id = v_id;
        ELSE
            IF v.low < v.top AND v.old_ttl > 0 AND v.at + v.old_ttl * interval '1 ms' <= v_now AND cardinality(p_bodies) > 0 THEN
                UPDATE weir.room SET low = v.top WHERE id = v_id; -- expired: the next publication does not bring them back
            END IF;
            IF v.old_size <> v.size OR v.old_ttl <> v.ttl OR v.old_meta <> v.meta
                OR (v.meta > 0 AND v.used + v.meta / 8 * interval '1 ms' < v_now) THEN
                UPDATE weir.room SET size = v.size, ttl = v.ttl, meta = v.meta, used = v_now WHERE id = v_id;
            END IF;
        END IF;
        o_ids := o_ids || v_id;
        o_epochs := o_epochs || v_epoch;
        o_tops := o_tops || v.top;
    END LOOP;
    IF cardinality(p_bodies) > 0 THEN
        INSERT INTO weir.history (room, off, at, body)
            SELECT o_ids[b.room], o_tops[b.room] + b.rel, v_now, b.body FROM unnest(p_room, p_rel, p_bodies) AS b (room, rel, body);
        o_seq := weir.announce(0::smallint, p_node, p_rooms, o_epochs, o_tops, p_room, p_rel, p_bodies);
    END IF;
END $$;

-- Sent after the transaction that announced: a NOTIFY inside it would hold PostgreSQL's one lock for all notifications through the flush.
CREATE FUNCTION weir.notify(p_lane smallint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('weir', p_lane || ':' || seq || ':' || node) FROM weir.announcement WHERE lane = p_lane ORDER BY seq DESC LIMIT 1;
END $$;

-- Moves publications out of the outbox; fails if another node has moved one of them.
CREATE FUNCTION weir.take(p_ids bigint[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_count integer;
BEGIN
    DELETE FROM weir.outbox WHERE id = ANY (p_ids);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF v_count <> cardinality(p_ids) THEN
        RAISE EXCEPTION 'the outbox has been moved by another node' USING ERRCODE = 'WE001';
    END IF;
    RETURN pg_current_xact_id()::text::bigint;
END $$;

-- Reads a room's history and its position. STABLE: all of it has one snapshot. No row if the room must be opened first.
CREATE FUNCTION weir.read(p_system text, p_room bytea, p_size integer, p_since bigint, p_limit integer, p_reverse boolean)
RETURNS TABLE (o_epoch text, o_top bigint, o_past text, o_offs bigint[], o_bodies bytea[])
STABLE LANGUAGE plpgsql AS $$
DECLARE
    r weir.room;
    t record;
    v_low bigint;
    v_high bigint;
BEGIN
    SELECT * INTO r FROM weir.room WHERE name = p_room;
    IF NOT FOUND OR r.line <> weir.line(p_system) OR r.used + r.meta / 4 * interval '1 ms' < clock_timestamp() AND r.meta > 0 THEN
        RETURN;
    END IF;
    SELECT h.off, h.at INTO t FROM weir.history AS h WHERE h.room = r.id ORDER BY h.off DESC LIMIT 1;
    o_epoch := r.epoch;
    o_top := coalesce(t.off, 0);
    o_past := r.past;
    v_low := greatest(o_top - p_size, r.low) + 1;
    v_high := o_top;
    IF p_since >= 0 THEN
        IF p_reverse THEN v_high := least(v_high, p_since - 1); ELSE v_low := greatest(v_low, p_since + 1); END IF;
    END IF;
    IF p_limit <> 0 AND v_low <= v_high AND NOT (r.ttl > 0 AND t.at + r.ttl * interval '1 ms' <= clock_timestamp()) THEN
        IF p_reverse THEN
            SELECT array_agg(e.off ORDER BY e.off DESC), array_agg(e.body ORDER BY e.off DESC) INTO o_offs, o_bodies FROM (
                SELECT h.off, h.body FROM weir.history AS h
                WHERE h.room = r.id AND h.off BETWEEN v_low AND v_high AND h.body IS NOT NULL
                ORDER BY h.off DESC LIMIT CASE WHEN p_limit >= 0 THEN p_limit END) AS e;
        ELSE
            SELECT array_agg(e.off ORDER BY e.off), array_agg(e.body ORDER BY e.off) INTO o_offs, o_bodies FROM (
                SELECT h.off, h.body FROM weir.history AS h
                WHERE h.room = r.id AND h.off BETWEEN v_low AND v_high AND h.body IS NOT NULL
                ORDER BY h.off LIMIT CASE WHEN p_limit >= 0 THEN p_limit END) AS e;
        END IF;
    END IF;
    RETURN NEXT;
END $$;

-- Removes a room's publications; its offsets continue.
CREATE FUNCTION weir.remove(p_room bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_id bigint;
    v_top bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(1464159570, 0);
    SELECT id INTO v_id FROM weir.room WHERE name = p_room;
    SELECT off INTO v_top FROM weir.history WHERE room = v_id ORDER BY off DESC LIMIT 1;
    IF v_top IS NOT NULL THEN
        UPDATE weir.room SET low = v_top WHERE id = v_id;
        DELETE FROM weir.history WHERE room = v_id AND off < v_top;
        UPDATE weir.history SET body = NULL WHERE room = v_id AND off = v_top;
    END IF;
END $$;

-- Removes publications beyond what a room keeps.
CREATE FUNCTION weir.trim(p_ids bigint[], p_from bigint[], p_to bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v record;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true); -- lost in a crash, it is done again
    FOR v IN SELECT * FROM unnest(p_ids, p_from, p_to) AS u (room, low, high) LOOP
        DELETE FROM weir.history WHERE room = v.room AND off > v.low AND off <= v.high;
    END LOOP;
END $$;

-- Presence: operations in their order; a lifetime in ms, or 0 to remove. Returns the number of the announcement; null: none.
CREATE FUNCTION weir.set_presence(
    p_node text, p_rooms bytea[], p_clients text[], p_members bytea[], p_lifetimes bigint[],
    OUT o_seq bigint, OUT o_rooms bytea[], OUT o_bodies bytea[])
LANGUAGE plpgsql AS $$
DECLARE
    v record;
    v_now timestamptz := clock_timestamp();
    v_until timestamptz;
    v_member bytea;
BEGIN
    o_rooms := '{}';
    o_bodies := '{}';
    FOR v IN SELECT * FROM unnest(p_rooms, p_clients, p_members, p_lifetimes) WITH ORDINALITY AS g (room, client, member, lifetime, n) ORDER BY g.n
    LOOP
        IF v.lifetime = 0 THEN
            DELETE FROM weir.presence WHERE room = v.room AND client = v.client RETURNING member INTO v_member;
            IF FOUND THEN
                o_rooms := o_rooms || v.room;
                o_bodies := o_bodies || ('\x03'::bytea || v_member);
            END IF;
            CONTINUE;
        END IF;
        SELECT until, member INTO v_until, v_member FROM weir.presence WHERE room = v.room AND client = v.client;
        IF FOUND AND v_until <= v_now THEN
            o_rooms := o_rooms || v.room; -- had ended, without anyone having seen it
            o_bodies := o_bodies || ('\x03'::bytea || v_member);
        END IF;
        IF NOT FOUND OR v_until <= v_now THEN
            o_rooms := o_rooms || v.room;
            o_bodies := o_bodies || ('\x02'::bytea || v.member);
        END IF;
        INSERT INTO weir.presence (room, client, until, member)
            VALUES (v.room, v.client, v_now + v.lifetime * interval '1 ms', v.member)
            ON CONFLICT (room, client) DO UPDATE SET until = excluded.until, member = excluded.member;
    END LOOP;
    IF cardinality(o_bodies) > 0 THEN
        o_seq := weir.announce(1::smallint, p_node, o_rooms, NULL, NULL, (SELECT array_agg(i) FROM generate_subscripts(o_bodies, 1) AS i), NULL, o_bodies);
        PERFORM pg_notify('weir', '1:' || o_seq || ':' || p_node);
    END IF;
END $$;

-- Announces a batch without offsets. Nothing of it waits for the disk, so the NOTIFY may be inside.
CREATE FUNCTION weir.announce_plain(p_node text, p_rooms bytea[], p_room integer[], p_bodies bytea[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_seq bigint := weir.announce(1::smallint, p_node, p_rooms, NULL, NULL, p_room, NULL, p_bodies);
BEGIN
    PERFORM pg_notify('weir', '1:' || v_seq || ':' || p_node);
    RETURN v_seq;
END $$;

-- Presence that has ended is removed and announced.
CREATE FUNCTION weir.end_presence(p_node text, p_room bytea, OUT o_seq bigint) LANGUAGE plpgsql AS $$
DECLARE
    v_rooms bytea[];
    v_bodies bytea[];
BEGIN
    WITH ended AS (
        DELETE FROM weir.presence WHERE (room, client) IN (
            SELECT p.room, p.client FROM weir.presence AS p
            WHERE (p_room IS NULL OR p.room = p_room) AND p.until <= clock_timestamp() LIMIT 1000 FOR UPDATE SKIP LOCKED)
        RETURNING room, member)
    SELECT array_agg(room), array_agg('\x03'::bytea || member) INTO v_rooms, v_bodies FROM ended;
    IF v_rooms IS NOT NULL THEN
        o_seq := weir.announce(1::smallint, p_node, v_rooms, NULL, NULL, (SELECT array_agg(i) FROM generate_subscripts(v_bodies, 1) AS i), NULL, v_bodies);
        PERFORM pg_notify('weir', '1:' || o_seq || ':' || p_node);
    END IF;
END $$;

-- Whether this node is the one that moves the outbox and sweeps. A lease, not a lock: a node that was stopped keeps its connection.
CREATE FUNCTION weir.keep(p_node text, p_lease bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO weir.keeper AS k (node, until) VALUES (p_node, clock_timestamp() + p_lease * interval '1 ms')
        ON CONFLICT (only_one) DO UPDATE SET node = excluded.node, until = excluded.until
        WHERE k.node = excluded.node OR k.until < clock_timestamp();
    RETURN FOUND;
END $$;

-- Empties the announcements that are at least a minute old. Fails if someone holds the partition: the next time is soon enough.
CREATE FUNCTION weir.rotate(p_node text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_next bigint := (extract(epoch FROM clock_timestamp())::bigint / 60 + 1) % 3;
    v_any boolean;
    v_kept bigint;
    v_plain bigint;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM weir.announcement_%s)', v_next) INTO v_any;
    IF v_any THEN
        -- Each lane continues from its last number, which therefore must not be in there.
        v_kept := weir.announce(0::smallint, p_node, '{}', '{}', '{}', '{}', '{}', '{}');
        v_plain := weir.announce(1::smallint, p_node, '{}', NULL, NULL, '{}', NULL, '{}');
        EXECUTE format('SELECT EXISTS (SELECT FROM weir.announcement_%s WHERE lane = 0 AND seq = $1 OR lane = 1 AND seq = $2)', v_next)
            INTO v_any USING v_kept, v_plain;
        IF v_any THEN
            RETURN; -- the minute has just ended
        END IF;
        EXECUTE format('LOCK TABLE weir.announcement_%s IN ACCESS EXCLUSIVE MODE NOWAIT', v_next);
        EXECUTE format('TRUNCATE weir.announcement_%s', v_next);
        PERFORM pg_notify('weir', '0:' || v_kept || ':'), pg_notify('weir', '1:' || v_plain || ':');
    END IF;
END $$;

-- Removes the publications of rooms whose history has expired or that keep fewer, and rooms that have not been used for long. A page of
-- rooms each time, from an id on; returns the id to continue from, 0 at the end.
CREATE FUNCTION weir.sweep(p_from bigint, p_page integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v record;
    v_now timestamptz := clock_timestamp();
    v_last bigint := 0;
    v_count integer := 0;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true); -- lost in a crash, it is done again
    FOR v IN
        SELECT r.id, r.ttl, r.meta, r.size, r.low, r.used, t.off, t.at FROM weir.room AS r
        LEFT JOIN LATERAL (SELECT h.off, h.at FROM weir.history AS h WHERE h.room = r.id ORDER BY h.off DESC LIMIT 1) AS t ON true
        WHERE r.id > p_from ORDER BY r.id LIMIT p_page
    LOOP
        v_last := v.id;
        v_count := v_count + 1;
        IF v.off IS NOT NULL AND v.ttl > 0 AND v.at + v.ttl * interval '1 ms' <= v_now THEN
            DELETE FROM weir.history WHERE room = v.id AND off < v.off;
        ELSIF v.off IS NOT NULL THEN
            DELETE FROM weir.history WHERE room = v.id AND off <= least(greatest(v.off - v.size, v.low), v.off - 1);
        END IF;
        IF v.meta > 0 AND greatest(v.used, v.at) + v.meta * interval '1 ms' <= v_now THEN
            PERFORM pg_advisory_xact_lock(1464159570, 0);
            DELETE FROM weir.room AS r WHERE r.id = v.id AND r.used = v.used
                AND NOT EXISTS (SELECT FROM weir.history AS h WHERE h.room = v.id AND h.off > coalesce(v.off, 0));
            IF FOUND THEN
                DELETE FROM weir.history WHERE room = v.id;
            END IF;
        END IF;
    END LOOP;
    RETURN CASE WHEN v_count = p_page THEN v_last ELSE 0 END;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA weir FROM PUBLIC;
