using StackExchange.Redis;
using Weir.Brokers.Redis.Links;
using Weir.Brokers.Redis.Scripts;
using Weir.Timing;

namespace Weir.Brokers.Redis;

/// <summary>A connection for commands, with the scripts and names for the kind of Redis at its other end.</summary>
internal sealed class CommandConnection : IAsyncDisposable
{
    /// <summary>The keys of at most this many rooms are cached, some 40 MB; then the cache is cleared.</summary>
    private const int MaxKeptKeys = 1 << 16;

    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, RoomKeys> _keys = new(StringComparer.Ordinal);
    private readonly NamePrefixes _prefixes;
    private readonly ConnectionMultiplexer _multiplexer;

    private CommandConnection(ConnectionMultiplexer multiplexer, NamePrefixes prefixes, bool isCluster)
    {
        _multiplexer = multiplexer;
        _prefixes = prefixes;
        IsCluster = isCluster;
        Database = multiplexer.GetDatabase();
        Scripts = new ScriptSet(isCluster);
        Publish = new OrderedScript(Database, Scripts.Publish, isCluster ? LinkMap.Slots : 1);
    }

    public IDatabase Database { get; }

    public bool IsCluster { get; }

    public ScriptSet Scripts { get; }

    public OrderedScript Publish { get; }

    /// <exception cref="RedisConnectionException">Redis cannot be reached.</exception>
    public static async Task<CommandConnection> OpenAsync(
        ConfigurationOptions configuration, NamePrefixes prefixes, Action<ConnectionFailedEventArgs> onFailed)
    {
        ConnectionMultiplexer multiplexer = await ConnectionMultiplexer.ConnectAsync(configuration);
        bool isCluster = multiplexer.GetServers().Any(static server => server.IsConnected && server.ServerType == ServerType.Cluster);
        CommandConnection connection = new(multiplexer, prefixes, isCluster);
        multiplexer.ConnectionFailed += (_, failed) =>
        {
            connection.Publish.Forget(); // the server behind the next connection may be another one
            onFailed(failed);
        };
        return connection;
    }

    public RoomKeys KeysOf(string room)
    {
        if (_keys.TryGetValue(room, out RoomKeys? keys))
        {
            return keys;
        }

        if (_keys.Count >= MaxKeptKeys)
        {
            _keys.Clear();
        }

        return _keys.GetOrAdd(room, static (name, session) => new RoomKeys(session._prefixes, name, session.IsCluster), this);
    }

    /// <summary>A channel to publish on without a script.</summary>
    public RedisChannel ChannelOf(string name) => IsCluster ? RedisChannel.Sharded(name) : RedisChannel.Literal(name);

    public int SlotOf(string channel) => IsCluster ? _multiplexer.HashSlot(channel) : 0;

    /// <summary>Reads which servers deliver the announcements of which channels.</summary>
    /// <param name="newTimeout">Creates the timeout for the reply of each server.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <exception cref="RedisException">No server can be queried.</exception>
    public async Task<LinkMap> ReadMapAsync(Func<RunningTimeout> newTimeout, CancellationToken cancellationToken)
    {
        if (!IsCluster)
        {
            // The server to which commands are sent, and which so announces.
            return LinkMap.OfServer(_multiplexer.GetServer((RedisKey)_prefixes.Keys, flags: CommandFlags.DemandMaster).EndPoint);
        }

        Exception? reason = null;
        foreach (IServer server in _multiplexer.GetServers()
            .Where(static server => server.IsConnected).OrderBy(static server => server.IsReplica))
        {
            try
            {
                Task<ClusterConfiguration?> request = server.ClusterNodesAsync();
                using RunningTimeout timeout = newTimeout();
                await timeout.WaitAsync(request, cancellationToken);
                if (await request is { } nodes)
                {
                    return LinkMap.OfCluster(nodes);
                }
            }
            catch (Exception error) when (error is RedisException or TimeoutException)
            {
                reason = error;
            }
        }

        throw new RedisException(reason?.Message ?? "No server of the cluster is connected.", reason);
    }

    /// <summary>Waits, at most for the timeout, until all commands sent are answered, and closes.</summary>
    public async Task FinishAsync(RunningTimeout timeout)
    {
        try
        {
            // Its reply follows the replies to all commands sent before.
            await timeout.WaitAsync(
                Task.WhenAll(
                    _multiplexer.GetServers().Where(static server => server.IsConnected).Select(static server => server.PingAsync())),
                CancellationToken.None);
        }
        catch (Exception error) when (error is TimeoutException || RedisFailure.IsOne(error))
        {
            // Commands without a reply fail when the connection closes.
        }

        await DisposeAsync();
    }

    /// <summary>Closes immediately: commands without a reply fail.</summary>
    public async ValueTask DisposeAsync() => await _multiplexer.CloseAsync(allowCommandsToComplete: false);
}
