using System.Globalization;
using System.Text;
using Npgsql;
using NpgsqlTypes;
using Weir.Brokers.Postgres.Calls;
using Weir.Brokers.Postgres.Diagnostics;
using Weir.Brokers.Postgres.Lanes;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Postgres.Keeping;

/// <summary>
/// Moves publications out of the outbox: each batch is removed, numbered, stored and announced in one transaction, which is one message
/// to the server, so that no lock is held while this node does not run.
/// </summary>
/// <remarks>
/// One node moves at a time, but nothing depends on that: a batch of which a row is gone is not moved. Its order is that of the commits.
/// Not thread-safe.
/// </remarks>
internal sealed class OutboxMover(string system, TimeSpan metaTtl, Func<string, RoomRule> ruleOf, HistoryTrim trim, PostgresMetrics metrics)
{
    private const int Page = 512;
    private const int MostBytes = 1 << 20;
    private const string MovedByAnother = "WE001";

    private readonly KeptStatement _kept = new(node: "", system, metaTtl); // announced as if by another node: it is read like any other
    private long _floor; // no row up to this turn appears any more
    private (long Turn, long Transaction)? _nextFloor;

    /// <summary>Moves what is there; returns how many.</summary>
    /// <exception cref="NpgsqlException">The connection failed, or the server refuses.</exception>
    public async Task<int> MoveAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        int moved = 0;
        while (true)
        {
            List<OutboxRow> rows = await ReadAsync(connection, cancellationToken).ConfigureAwait(false);
            if (rows.Count == 0)
            {
                return moved;
            }

            try
            {
                await MoveAsync(connection, rows, cancellationToken).ConfigureAwait(false);
            }
            catch (PostgresException error) when (error.SqlState == MovedByAnother)
            {
                return moved; // which continues
            }

            moved += rows.Count;
            metrics.Moved(rows.Count);
        }
    }

    private async Task<List<OutboxRow>> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using NpgsqlBatch batch = connection.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"));
        NpgsqlBatchCommand read = new(string.Create(CultureInfo.InvariantCulture, $"""
            SELECT id, turn, room, data, is_binary, key FROM (
                SELECT *, sum(octet_length(data)) OVER (ORDER BY turn) - octet_length(data) AS before FROM (
                    SELECT id, turn, room, data, is_binary, key FROM weir.outbox
                    WHERE turn > $1 ORDER BY turn LIMIT {Page}) AS page) AS sized
            WHERE before < {MostBytes} ORDER BY turn
            """));
        read.Add(NpgsqlDbType.Bigint, _floor);
        batch.BatchCommands.Add(read);
        List<OutboxRow> rows = [];
        await using NpgsqlDataReader reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        long oldest = reader.GetInt64(0);
        await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            rows.Add(new OutboxRow(
                reader.GetInt64(0), reader.GetInt64(1), reader.GetString(2), reader.GetFieldValue<byte[]>(3), reader.GetBoolean(4),
                reader.IsDBNull(5) ? null : reader.GetString(5)));
        }

        RaiseFloor(oldest, rows);
        return rows;
    }

    // The rows that were moved stay in the index for as long as any long transaction runs, and would be passed over at each read. A
    // transaction that took its turn before a row that was seen had begun before that row was moved: once all transactions older than the
    // move have ended, no row with a lower turn can appear.
    private void RaiseFloor(long oldestRunning, List<OutboxRow> rows)
    {
        if (_nextFloor is { } next && oldestRunning > next.Transaction && (rows.Count == 0 || rows[0].Turn > next.Turn))
        {
            _floor = next.Turn;
            _nextFloor = null;
        }
    }

    private async Task MoveAsync(NpgsqlConnection connection, List<OutboxRow> rows, CancellationToken cancellationToken)
    {
        List<PublishCall> kept = [];
        List<byte[]> rooms = [];
        List<byte[]> bodies = [];
        foreach (OutboxRow row in rows)
        {
            RoomRule rule = ruleOf(row.Room);
            if (rule.KeepsHistory)
            {
                kept.Add(PublishCall.Of(row.Room, row.ToPublication(), rule));
            }
            else
            {
                rooms.Add(Encoding.UTF8.GetBytes(row.Room));
                bodies.Add(PlainCall.Of(row.Room, row.ToPublication()).Body);
            }
        }

        await using NpgsqlBatch batch = connection.CreateBatch();
        NpgsqlBatchCommand take = new("SELECT weir.take($1)");
        take.Add(NpgsqlDbType.Array | NpgsqlDbType.Bigint, rows.ConvertAll(static row => row.Id));
        batch.BatchCommands.Add(take);
        if (kept.Count > 0)
        {
            _kept.Set(kept);
            batch.BatchCommands.Add(_kept.Command);
        }

        if (bodies.Count > 0)
        {
            NpgsqlBatchCommand announcePlain = new("SELECT weir.announce_plain('', $1, $2, $3)");
            announcePlain.Add(NpgsqlDbType.Array | NpgsqlDbType.Bytea, rooms);
            announcePlain.Add(NpgsqlDbType.Array | NpgsqlDbType.Integer, Enumerable.Range(1, rooms.Count).ToList());
            announcePlain.Add(NpgsqlDbType.Array | NpgsqlDbType.Bytea, bodies);
            batch.BatchCommands.Add(announcePlain);
        }

        batch.BatchCommands[^1].AppendErrorBarrier = true;
        batch.BatchCommands.Add(new NpgsqlBatchCommand($"SELECT weir.notify({KeptLane.Number}::smallint)"));
        await using (NpgsqlDataReader reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false))
        {
            await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            long transaction = reader.GetInt64(0);
            if (kept.Count > 0)
            {
                await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
                await _kept.ReadAsync(reader, kept, trim, cancellationToken).ConfigureAwait(false);
            }

            _nextFloor ??= (rows[^1].Turn, transaction);
        }

        batch.BatchCommands.Clear(); // the statement belongs to no batch any more
    }
}
