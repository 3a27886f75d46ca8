using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Weir.Closing;
using Weir.Diagnostics;
using Weir.Protocols.Centrifugo.Applications;
using Weir.Protocols.Centrifugo.Diagnostics;
using Weir.Protocols.Centrifugo.Protocol;
using Weir.Relay.Access;
using Weir.Relay.Nodes;
using Weir.Relay.Rooms;
using Weir.Rooms;

namespace Weir.Protocols.Centrifugo.Sessions;

/// <summary>Shared state of all sessions of an application: the relay, access, options, and the sessions themselves.</summary>
internal sealed class CentrifugoHub : IRoomAudienceFactory, IRelayClients
{
    public CentrifugoHub(
        RelayNode relay,
        IClientAccess access,
        CentrifugoApplication? application,
        WeirNode node,
        CentrifugoSettings settings,
        WireForm form,
        ILoggerFactory? loggers)
    {
        Relay = relay;
        Access = access;
        Application = application;
        Node = node;
        Settings = settings;
        Form = form;
        Logger = (loggers ?? NullLoggerFactory.Instance).CreateLimitedLogger(CentrifugoLog.Category, node.Time);
        relay.AddClients(this);
    }

    public RelayNode Relay { get; }

    public IClientAccess Access { get; }

    /// <summary>Gets the handler of RPCs and messages; <c>null</c> if the application has none.</summary>
    public CentrifugoApplication? Application { get; }

    public WeirNode Node { get; }

    public CentrifugoSettings Settings { get; }

    /// <summary>Gets the wire form of all sessions.</summary>
    public WireForm Form { get; }

    public ILogger Logger { get; }

    /// <summary>Gets the version that clients receive.</summary>
    public string Version { get; } = typeof(CentrifugoHub).Assembly.GetName().Version?.ToString(3) ?? "";

    /// <summary>
    /// Gets the connections in each channel as rooms of the engine, so that they share the frames of a publication. The number of
    /// channels per client is limited elsewhere.
    /// </summary>
    public RoomDirectory Members { get; } = new(new RoomOptions { MaxNameBytes = 0, MaxRoomsPerConnection = 0 });

    /// <summary>Gets those of them that receive joins and leaves.</summary>
    public RoomDirectory Watchers { get; } = new(new RoomOptions { MaxNameBytes = 0, MaxRoomsPerConnection = 0 });

    /// <summary>Gets the sessions whose commands arrive in separate requests, by their secret.</summary>
    public ConcurrentDictionary<string, StreamSession> Streams { get; } = new(StringComparer.Ordinal);

    public UserIndex UserIndex { get; } = new();

    /// <summary>Gets the number of stream sessions; the others are counted as connections.</summary>
    public int Count => Streams.Count;

    public int Users => UserIndex.Count;

    public DateTimeOffset Now => Node.Time.GetUtcNow();

    /// <summary>Gets the unit of <see cref="CurrentRateTick"/>.</summary>
    public static TimeSpan RateTick => TimeSpan.FromMilliseconds(1);

    /// <summary>Gets the time for the inbound limits, from an arbitrary start.</summary>
    public long CurrentRateTick => Node.Time.GetElapsedTime(0).Ticks / RateTick.Ticks;

    public IRoomAudience Create(LocalRoom room) => new ChannelAudience(room, this);

    public void Disconnect(Disconnection what)
    {
        foreach (ClientSession session in what.User.Length > 0 ? UserIndex.Of(what.User) : Streams.Values.ToList<ClientSession>())
        {
            if (what.Client.Length == 0 || what.Client == session.Id)
            {
                session.Leave(new DisconnectReason(what.Code, what.Reason, CloseCause.AccessRevoked));
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
