using System.Data;
using Npgsql;
using Weir.Brokers.Postgres.Calls;
using Weir.Brokers.Postgres.Signals;

namespace Weir.Brokers.Postgres.Lanes;

/// <summary>
/// Calls in their order, sent in batches over one connection: what arrives while a batch is under way is the next one, so that a batch is
/// as large as it must be and no call waits for others. Thread-safe.
/// </summary>
/// <remarks>A lane is for one connection. No call is sent a second time.</remarks>
internal abstract class Lane<TCall>(Action<Exception> onRefused)
    where TCall : Call
{
    // A row of the announcements, and a message to the server, of a bounded size.
    private const int MostCalls = 1024;
    private const int MostBytes = 1 << 20;

    private readonly Lock _gate = new();
    private readonly Queue<TCall> _queue = [];
    private readonly Signal _arrived = new();
    private readonly List<TCall> _batch = [];
    private bool _isClosed;
    private bool _isWaiting;

    /// <summary>Adds a call; returns <c>false</c> if there is no connection.</summary>
    public bool TryAdd(TCall call)
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return false;
            }

            _queue.Enqueue(call);
            if (!_isWaiting)
            {
                return true;
            }

            _isWaiting = false;
        }

        _arrived.Set();
        return true;
    }

    /// <summary>The connection is lost: calls that were not sent fail, and none is accepted.</summary>
    public void Close()
    {
        TCall[] left;
        lock (_gate)
        {
            _isClosed = true;
            left = [.. _queue];
            _queue.Clear();
        }

        foreach (TCall call in left)
        {
            call.Fail(PostgresFailure.Unavailable());
        }
    }

    /// <summary>
    /// Sends batches until it is cancelled or the connection fails. Returns if the server has refused a batch and Npgsql has closed the
    /// connection for it, as it does for lack of disk or memory: the lane continues with another one.
    /// </summary>
    /// <exception cref="Exception">The connection cannot continue.</exception>
    public async Task RunAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using IAsyncDisposable statements = await PrepareAsync(connection, cancellationToken).ConfigureAwait(false);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!TryTake())
            {
                await _arrived.WaitAsync(cancellationToken).ConfigureAwait(false);
                continue;
            }

            TCall[] batch = [.. _batch];
            try
            {
                await SendAsync(batch, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception error)
            {
                foreach (TCall call in batch)
                {
                    call.Fail(PostgresFailure.Of(error));
                }

                if (!PostgresFailure.IsAnswer(error))
                {
                    throw;
                }

                onRefused(error);
                if (connection.State != ConnectionState.Open)
                {
                    return;
                }
            }
        }
    }

    /// <summary>Prepares the statements; the result is disposed with the connection.</summary>
    protected abstract Task<IAsyncDisposable> PrepareAsync(NpgsqlConnection connection, CancellationToken cancellationToken);

    /// <summary>Sends a batch and completes its calls.</summary>
    protected abstract Task SendAsync(TCall[] batch, CancellationToken cancellationToken);

    /// <summary>Whether two calls may be in one batch; <c>true</c> by default.</summary>
    protected virtual bool AreOfOneKind(TCall first, TCall other) => true;

    private bool TryTake()
    {
        _batch.Clear();
        int bytes = 0;
        lock (_gate)
        {
            while (_batch.Count < MostCalls && _queue.TryPeek(out TCall? call)
                && (_batch.Count == 0 || (bytes + call.Size <= MostBytes && AreOfOneKind(_batch[0], call))))
            {
                _queue.Dequeue();
                if (call.TrySend())
                {
                    bytes += call.Size;
                    _batch.Add(call);
                }
            }

            _isWaiting = _batch.Count == 0;
            return !_isWaiting;
        }
    }
}
