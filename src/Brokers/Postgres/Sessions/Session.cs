using Npgsql;
using Weir.Brokers.Postgres.Announcing;
using Weir.Brokers.Postgres.Calls;
using Weir.Brokers.Postgres.Keeping;
using Weir.Brokers.Postgres.Lanes;

namespace Weir.Brokers.Postgres.Sessions;

/// <summary>The loops over the connections of a node, from their begin until one of them fails.</summary>
internal sealed class Session : IAsyncDisposable
{
    private readonly ServerConnections _connections;
    private readonly CancellationTokenSource _end = new();
    private readonly List<Task> _loops = [];
    private readonly TaskCompletionSource<(string What, Exception Error)> _failure =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Session(ServerConnections connections)
    {
        _connections = connections;
        connections.Listening.Notification += (_, notification) => Listener?.OnNotification(notification.Payload);
    }

    /// <summary>Completes when a connection has failed; never fails itself.</summary>
    public Task<(string What, Exception Error)> Failure => _failure.Task;

    public ReadConnections Reading => _connections.Reading;

    public ServerIdentity Identity => _connections.Identity;

    /// <summary>Publications with an offset; set by <see cref="Run"/>, as those below.</summary>
    public KeptLane Kept { get; private set; } = null!;

    /// <summary>All other announcements.</summary>
    public PlainLane Plain { get; private set; } = null!;

    /// <summary>The notifications of other nodes.</summary>
    public NotificationListener? Listener { get; private set; }

    /// <summary>Cancelled when the session ends.</summary>
    public CancellationToken End => _end.Token;

    /// <summary>A connection cannot continue. The first reason counts.</summary>
    public void Fail(string what, Exception error) => _failure.TrySetResult((what, error));

    /// <summary>Begins to listen; after that no announcement is missed.</summary>
    public async Task<(string Generation, long[] Heads)> BeginAsync(string node, CancellationToken cancellationToken)
    {
        await using (NpgsqlCommand listen = _connections.Listening.CreateCommand())
        {
            listen.CommandText = "LISTEN weir";
            await listen.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }

        await using NpgsqlCommand begin = _connections.Listening.CreateCommand();
        begin.CommandText = "SELECT o_generation, o_kept, o_plain FROM weir.begin_listening($1)";
        begin.Parameters.Add(new NpgsqlParameter<string> { TypedValue = node });
        await using NpgsqlDataReader reader = await begin.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        return (reader.GetString(0), [reader.GetInt64(1), reader.GetInt64(2)]);
    }

    /// <summary>Runs all loops.</summary>
    public void Run(NotificationListener listener, AnnouncementReader reader, Keeper keeper, KeptLane kept, PlainLane plain)
    {
        Listener = listener;
        Kept = kept;
        Plain = plain;
        Loop("The connection for notifications failed.", end => NotificationListener.RunAsync(_connections.Listening, end));
        Loop("The connection for announcements failed.", end => reader.RunAsync(_connections.Announcements, end));
        Loop("The connection for housekeeping failed.", end => keeper.RunAsync(_connections.Keeping, end));
        Loop("The connection for publications with history failed.", end => RunLaneAsync(kept, ServerConnections.Kept, end));
        Loop("The connection for publications failed.", end => RunLaneAsync(plain, ServerConnections.Plain, end));
    }

    /// <summary>Ends the loops. A server that is silent makes this wait, so that the next session does not wait for it.</summary>
    public async ValueTask DisposeAsync()
    {
        Kept?.Close();
        Plain?.Close();
        // On another thread: cancelling a command may ask the server to cancel it.
        await Task.Run(_end.Cancel).ConfigureAwait(false);
        await Task.WhenAll(_loops).ConfigureAwait(false);
        await _connections.DisposeAsync().ConfigureAwait(false);
    }

    private async Task RunLaneAsync<TCall>(Lane<TCall> lane, int index, CancellationToken end)
        where TCall : Call
    {
        while (true)
        {
            await lane.RunAsync(_connections[index], end).ConfigureAwait(false);
            await _connections.ReplaceAsync(index, end).ConfigureAwait(false);
        }
    }

    /// <summary>A loop until the session ends; its failure ends the session.</summary>
    private void Loop(string what, Func<CancellationToken, Task> loop)
        => _loops.Add(Task.Run(async () =>
        {
            try
            {
                await loop(_end.Token).ConfigureAwait(false);
            }
            catch (Exception error)
            {
                // Of many types; each ends the session, whose supervision logs it.
                Fail(what, error);
            }
        }));
}
