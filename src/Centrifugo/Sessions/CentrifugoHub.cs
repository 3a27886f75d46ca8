using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Weir.Centrifugo.Diagnostics;
using Weir.Connections;
using Weir.Relay;

namespace Weir.Centrifugo.Sessions;

/// <summary>What all sessions of an application share: the relay and what they ask of it, and who they are.</summary>
internal sealed class CentrifugoHub : IRoomAudienceFactory, IRelayClients
{
    public CentrifugoHub(RelayNode relay, IClientAccess access, CentrifugoApplication? application, WeirEngine engine, CentrifugoOptions options, ILoggerFactory? loggers)
    {
        Relay = relay;
        Access = access;
        Application = application;
        Engine = engine;
        Options = options;
        Logger = loggers?.CreateLogger(CentrifugoLog.Category) ?? engine.Logger;
        relay.AddClients(this);
    }

    public RelayNode Relay { get; }

    public IClientAccess Access { get; }

    /// <summary>Answers what is the application's own; null: nobody does.</summary>
    public CentrifugoApplication? Application { get; }

    public WeirEngine Engine { get; }

    public CentrifugoOptions Options { get; }

    public ILogger Logger { get; }

    /// <summary>Told to clients.</summary>
    public string Version { get; } = typeof(CentrifugoHub).Assembly.GetName().Version?.ToString(3) ?? "";

    /// <summary>
    /// The connections in each channel: rooms of the engine's own kind, so that a publication is one run of frames for all of
    /// them. Who may be in how many is looked at elsewhere.
    /// </summary>
    public RoomDirectory Members { get; } = new(new RoomOptions { MaxNameBytes = 0, MaxRoomsPerConnection = 0 });

    /// <summary>Those among them that want to know who joins and leaves.</summary>
    public RoomDirectory Watchers { get; } = new(new RoomOptions { MaxNameBytes = 0, MaxRoomsPerConnection = 0 });

    /// <summary>Sessions whose clients speak in requests of their own, by the secret that names them.</summary>
    public ConcurrentDictionary<string, StreamSession> Streams { get; } = new(StringComparer.Ordinal);

    public UserIndex UserIndex { get; } = new();

    /// <summary>Of streams: the others are connections, and counted as such.</summary>
    public int Count => Streams.Count;

    public int Users => UserIndex.Count;

    public DateTimeOffset Now => Engine.Time.GetUtcNow();

    /// <summary>The unit of <see cref="CurrentRateTick"/>.</summary>
    public static TimeSpan RateTick => TimeSpan.FromMilliseconds(1);

    /// <summary>The time by which is counted how much a client sends; from an arbitrary start.</summary>
    public long CurrentRateTick => Engine.Time.GetElapsedTime(0).Ticks / RateTick.Ticks;

    public IRoomAudience Create(LocalRoom room) => new ChannelAudience(room, this);

    public void Disconnect(Disconnection what)
    {
        foreach (Session session in what.User.Length > 0 ? UserIndex.Of(what.User) : Streams.Values.ToList<Session>())
        {
            if (what.Client.Length == 0 || what.Client == session.Id)
            {
                session.Disconnect(what.Code, what.Reason);
            }
        }
    }

    public bool TryTake(string session, ReadOnlyMemory<byte> data)
    {
        if (!Streams.TryGetValue(session, out StreamSession? found))
        {
            return false;
        }

        found.Take(data);
        return true;
    }
}
