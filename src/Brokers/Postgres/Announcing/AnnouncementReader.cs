using Npgsql;
using NpgsqlTypes;
using Weir.Brokers.Postgres.Diagnostics;
using Weir.Brokers.Postgres.Signals;

namespace Weir.Brokers.Postgres.Announcing;

/// <summary>Reads the batches of other nodes when there are some, and now and then in case a notification was lost.</summary>
internal sealed class AnnouncementReader(
    AnnouncementOrder order, int session, PostgresMetrics metrics, TimeProvider time, TimeSpan interval)
{
    private const int Page = 64;

    private readonly Signal _wake = new();
    private readonly bool[] _isDue = [true, true];

    /// <summary>There are batches to read. Thread-safe.</summary>
    public void Wake(int lane)
    {
        Volatile.Write(ref _isDue[lane], true);
        _wake.Set();
    }

    /// <summary>Reads until it is cancelled.</summary>
    /// <exception cref="Exception">The connection failed, or batches were removed before this node has read them.</exception>
    public async Task RunAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using NpgsqlBatch batch = connection.CreateBatch();
        NpgsqlBatchCommand command = new(
            $"SELECT seq, rooms, epochs, tops, room, rel, bodies FROM weir.announcement WHERE lane = $1 AND seq > $2 ORDER BY seq LIMIT {Page}");
        await using NpgsqlCommand head = connection.CreateCommand();
        head.CommandText = "SELECT coalesce((SELECT seq FROM weir.announcement WHERE lane = $1 ORDER BY seq DESC LIMIT 1), 0)";
        NpgsqlParameter<short> headLane = new() { NpgsqlDbType = NpgsqlDbType.Smallint };
        head.Parameters.Add(headLane);
        NpgsqlParameter<short> lane = new() { NpgsqlDbType = NpgsqlDbType.Smallint };
        NpgsqlParameter<long> last = new() { NpgsqlDbType = NpgsqlDbType.Bigint };
        command.Parameters.Add(lane);
        command.Parameters.Add(last);
        batch.BatchCommands.Add(command);
        await batch.PrepareAsync(cancellationToken).ConfigureAwait(false);
        await head.PrepareAsync(cancellationToken).ConfigureAwait(false);
        while (true)
        {
            for (int i = 0; i < _isDue.Length; i++)
            {
                if (!Volatile.Read(ref _isDue[i]))
                {
                    continue;
                }

                Volatile.Write(ref _isDue[i], false);
                lane.TypedValue = headLane.TypedValue = (short)i;
                int count;
                while ((count = await ReadPageAsync(batch, i, last, cancellationToken).ConfigureAwait(false)) == Page)
                {
                    // The next page.
                }

                if (count == 0)
                {
                    await CheckHeadAsync(head, i, cancellationToken).ConfigureAwait(false);
                }
            }

            if (!await _wake.WaitAsync(interval, time, cancellationToken).ConfigureAwait(false))
            {
                Array.Fill(_isDue, true); // a notification may be lost with the node that was to send it
            }
        }
    }

    // Each lane continues from its last number, unless the table was emptied by hand: then new numbers would be taken for known ones.
    private async Task CheckHeadAsync(NpgsqlCommand head, int lane, CancellationToken cancellationToken)
    {
        long last = order.LastOf(lane);
        if ((long)(await head.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))! < last)
        {
            order.Break(session, lane);
            throw new AnnouncementsMissedException($"The announcements have ended before {last}, which this node has read: they were removed.");
        }
    }

    private async Task<int> ReadPageAsync(NpgsqlBatch batch, int lane, NpgsqlParameter<long> last, CancellationToken cancellationToken)
    {
        long expected = order.LastOf(lane) + 1;
        last.TypedValue = expected - 1;
        int count = 0;
        await using NpgsqlDataReader reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            long number = reader.GetInt64(0);
            if (number != expected)
            {
                order.Break(session, lane);
                throw new AnnouncementsMissedException(
                    $"Announcements {expected} to {number - 1} were removed before this node has read them: it was stopped, or too slow.");
            }

            expected++;
            count++;
            metrics.Read(lane);
            order.Add(session, lane, number, new ReadBatch(
                reader.GetFieldValue<byte[][]>(1),
                reader.IsDBNull(2) ? null : reader.GetFieldValue<string[]>(2),
                reader.IsDBNull(3) ? null : reader.GetFieldValue<long[]>(3),
                reader.GetFieldValue<int[]>(4),
                reader.IsDBNull(5) ? null : reader.GetFieldValue<int[]>(5),
                reader.GetFieldValue<byte[]?[]>(6)));
        }

        return count;
    }
}

/// <summary>Announcements are no longer there.</summary>
internal sealed class AnnouncementsMissedException(string message) : Exception(message);
