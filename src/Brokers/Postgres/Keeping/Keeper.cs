using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;
using Weir.Brokers.Postgres.Calls;
using Weir.Brokers.Postgres.Diagnostics;
using Weir.Brokers.Postgres.Lanes;
using Weir.Brokers.Postgres.Signals;

namespace Weir.Brokers.Postgres.Keeping;

/// <summary>
/// What is done beside the requests. Each node removes the publications that its rooms no longer keep; one of them, by a lease, moves the
/// outbox, ends presence, sweeps rooms, and empties old announcements.
/// </summary>
internal sealed class Keeper(string node, OutboxMover? outbox, HistoryTrim trim, TimeProvider time, TimeSpan interval, ILogger logger)
{
    private const int SweptAtOnce = 256;

    private static readonly TimeSpan _lease = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _renewal = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _presence = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _rotation = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan _page = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _betweenSweeps = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _afterFailure = TimeSpan.FromSeconds(1);

    private readonly Signal _wake = new();
    private readonly Dictionary<string, long> _due = [];
    private bool _isKeeper;
    private bool _hasWarned;
    private long _sweptTo;

    /// <summary>The outbox has rows. Thread-safe.</summary>
    public void Wake() => _wake.Set();

    /// <summary>Keeps until it is cancelled.</summary>
    /// <exception cref="Exception">The connection failed.</exception>
    public async Task RunAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        TimeSpan pause = outbox is null ? _renewal : TimeSpan.FromTicks(Math.Min(interval.Ticks, _renewal.Ticks));
        while (true)
        {
            TimeSpan wait = pause;
            try
            {
                await KeepAsync(connection, cancellationToken).ConfigureAwait(false);
                _hasWarned = false;
            }
            catch (PostgresException error) when (PostgresFailure.IsAnswer(error))
            {
                if (!_hasWarned)
                {
                    _hasWarned = true; // once per episode
                    PostgresLog.KeepingFailed(logger, error);
                }

                wait = _afterFailure;
            }

            await _wake.WaitAsync(wait, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task KeepAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        (long[] rooms, long[] from, long[] to) = trim.Take();
        if (rooms.Length > 0)
        {
            await ExecuteAsync(connection, "SELECT weir.trim($1, $2, $3)", cancellationToken, rooms, from, to).ConfigureAwait(false);
        }

        if (IsDue(nameof(_renewal), _renewal))
        {
            _isKeeper = (bool)(await ExecuteAsync(
                connection, "SELECT weir.keep($1, $2)", cancellationToken, node, (long)_lease.TotalMilliseconds).ConfigureAwait(false))!;
        }

        if (!_isKeeper)
        {
            return;
        }

        if (outbox is not null)
        {
            await outbox.MoveAsync(connection, cancellationToken).ConfigureAwait(false);
        }

        if (IsDue(nameof(_presence), _presence))
        {
            await ExecuteAsync(connection, "SELECT weir.end_presence('', NULL)", cancellationToken).ConfigureAwait(false);
        }

        if (IsDue(nameof(_page), _page))
        {
            _sweptTo = (long)(await ExecuteAsync(
                connection, "SELECT weir.sweep($1, $2)", cancellationToken, _sweptTo, SweptAtOnce).ConfigureAwait(false))!;
            if (_sweptTo == 0)
            {
                _due[nameof(_page)] = time.GetTimestamp() + ToTimestamp(_betweenSweeps);
            }
        }

        if (IsDue(nameof(_rotation), _rotation))
        {
            await RotateAsync(connection, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task RotateAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            await ExecuteAsync(connection, "SELECT weir.rotate('')", cancellationToken).ConfigureAwait(false);
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            // A reader, or a dump, holds the table: the announcements stay until the next time.
        }
    }

    private bool IsDue(string what, TimeSpan every)
    {
        long now = time.GetTimestamp();
        if (_due.TryGetValue(what, out long due) && now < due)
        {
            return false;
        }

        _due[what] = now + ToTimestamp(every);
        return true;
    }

    private long ToTimestamp(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);

    private static async Task<object?> ExecuteAsync(
        NpgsqlConnection connection, string sql, CancellationToken cancellationToken, params object[] values)
    {
        await using NpgsqlCommand command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (object value in values)
        {
            command.Parameters.Add(new NpgsqlParameter
            {
                Value = value,
                NpgsqlDbType = value switch
                {
                    long[] => NpgsqlDbType.Array | NpgsqlDbType.Bigint,
                    long => NpgsqlDbType.Bigint,
                    int => NpgsqlDbType.Integer,
                    _ => NpgsqlDbType.Text,
                },
            });
        }

        return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
    }
}
