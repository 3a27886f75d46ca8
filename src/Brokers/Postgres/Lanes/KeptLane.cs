using Npgsql;
using NpgsqlTypes;
using Weir.Brokers.Postgres.Announcing;
using Weir.Brokers.Postgres.Calls;
using Weir.Brokers.Postgres.Diagnostics;

namespace Weir.Brokers.Postgres.Lanes;

/// <summary>Publications of rooms with history.</summary>
internal sealed class KeptLane(
    string node, string system, TimeSpan metaTtl, HistoryTrim trim, Action<int, long, IAnnouncedBatch> announce, PostgresMetrics metrics,
    Action<Exception> onRefused)
    : Lane<PublishCall>(onRefused)
{
    /// <summary>The number of this lane in the tables.</summary>
    public const int Number = 0;

    private NpgsqlBatch? _batch;
    private KeptStatement? _statement;

    protected override async Task<IAsyncDisposable> PrepareAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        NpgsqlBatch batch = connection.CreateBatch();
        _statement = new KeptStatement(node, system, metaTtl);
        // Two transactions in one message: the notification does not hold its lock while the first one is written to the disk, and is
        // sent even if this node ends meanwhile.
        _statement.Command.AppendErrorBarrier = true;
        batch.BatchCommands.Add(_statement.Command);
        NpgsqlBatchCommand notify = new("SELECT weir.notify($1)");
        notify.Add(NpgsqlDbType.Smallint, (short)Number);
        batch.BatchCommands.Add(notify);
        await batch.PrepareAsync(cancellationToken).ConfigureAwait(false);
        return _batch = batch;
    }

    protected override async Task SendAsync(PublishCall[] batch, CancellationToken cancellationToken)
    {
        _statement!.Set(batch);
        long number;
        await using (NpgsqlDataReader reader = await _batch!.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false))
        {
            number = await _statement.ReadAsync(reader, batch, trim, cancellationToken).ConfigureAwait(false);
        }

        metrics.Sent(Number, batch.Length);
        if (number > 0)
        {
            announce(Number, number, new OwnKeptBatch(batch));
        }

        foreach (PublishCall call in batch)
        {
            call.Finish();
        }
    }
}
