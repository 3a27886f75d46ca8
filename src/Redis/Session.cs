using StackExchange.Redis;
using Weir.Redis.Links;
using Weir.Redis.Scripts;

namespace Weir.Redis;

/// <summary>A connection for commands, and what follows from the kind of Redis that was found at its other end.</summary>
internal sealed class Session : IAsyncDisposable
{
    /// <summary>The keys of that many rooms are kept, which is some 40 MB at most; then they are made anew.</summary>
    private const int MaxKeptKeys = 1 << 16;

    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, RoomKeys> _keys = new(StringComparer.Ordinal);
    private readonly NamePrefixes _prefixes;
    private readonly ConnectionMultiplexer _multiplexer;

    private Session(ConnectionMultiplexer multiplexer, NamePrefixes prefixes, bool isCluster)
    {
        _multiplexer = multiplexer;
        _prefixes = prefixes;
        IsCluster = isCluster;
        Database = multiplexer.GetDatabase();
        Scripts = new ScriptSet(isCluster);
    }

    public IDatabase Database { get; }

    public bool IsCluster { get; }

    public ScriptSet Scripts { get; }

    /// <exception cref="RedisConnectionException">It is not there.</exception>
    public static async Task<Session> OpenAsync(ConfigurationOptions configuration, NamePrefixes prefixes, Action<ConnectionFailedEventArgs> onFailed)
    {
        ConnectionMultiplexer multiplexer = await ConnectionMultiplexer.ConnectAsync(configuration);
        bool isCluster = multiplexer.GetServers().Any(static server => server.IsConnected && server.ServerType == ServerType.Cluster);
        multiplexer.ConnectionFailed += (_, failed) => onFailed(failed);
        return new Session(multiplexer, prefixes, isCluster);
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

    /// <summary>Where announcements are heard now.</summary>
    /// <param name="newPatience">How long each server may take to answer.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="RedisException">No server can be asked.</exception>
    public async Task<LinkMap> ReadMapAsync(Func<RunningTime> newPatience, CancellationToken cancellationToken)
    {
        if (!IsCluster)
        {
            // Where commands are sent, and so what they announce.
            return LinkMap.OfServer(_multiplexer.GetServer((RedisKey)_prefixes.Keys, flags: CommandFlags.DemandMaster).EndPoint);
        }

        Exception? reason = null;
        foreach (IServer server in _multiplexer.GetServers().Where(static server => server.IsConnected).OrderBy(static server => server.IsReplica))
        {
            try
            {
                Task<ClusterConfiguration?> asked = server.ClusterNodesAsync();
                await newPatience().WaitAsync(asked, cancellationToken);
                if (await asked is { } nodes)
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

    /// <summary>Lets what was sent be answered, for as long as that may take, and closes.</summary>
    public async Task FinishAsync(RunningTime patience)
    {
        try
        {
            // Its answer is behind those to all that was sent before.
            await patience.WaitAsync(
                Task.WhenAll(_multiplexer.GetServers().Where(static server => server.IsConnected).Select(static server => server.PingAsync())),
                CancellationToken.None);
        }
        catch (Exception error) when (error is TimeoutException || RedisFailure.IsOne(error))
        {
            // What is not answered yet fails when the connection closes.
        }

        await DisposeAsync();
    }

    /// <summary>Closes at once: what is not answered yet fails.</summary>
    public async ValueTask DisposeAsync() => await _multiplexer.CloseAsync(allowCommandsToComplete: false);
}
