using System.Globalization;
using System.Net;
using Weir.Auth;
using Weir.Protocol;
using Weir.Protocols.Centrifugo;
using Weir.Relay;
using Weir.Rooms;

namespace Weir.Host.Settings;

/// <summary>
/// The settings of the server: all read and validated at its start, and read again into each endpoint and the node, so that
/// each setting is defined in one place only.
/// </summary>
internal sealed class HostSettings
{
    public const string Root = "Weir";

    private const string ApiKey = $"{Root}:Api:Key";

    private readonly IConfiguration _configuration;

    private HostSettings(IConfiguration configuration, SettingsReader reader)
    {
        _configuration = configuration;
        WeirOptions endpoint = new();
        ReadEndpoint(reader, endpoint);
        MaxHeadBytes = endpoint.MaxHeadBytes;
        ReadNode(reader, new WeirNodeOptions());
        MaxStreamsPerConnection = reader.ReadInt($"{Root}:Limits:MaxStreamsPerConnection", 1000, 1, 1 << 16);
        Rooms.MaxRoomsPerConnection = reader.ReadInt($"{Root}:Limits:RoomsPerConnection", Rooms.MaxRoomsPerConnection, 0, int.MaxValue);
        Rooms.MaxNameBytes = reader.ReadInt($"{Root}:Limits:RoomNameBytes", Rooms.MaxNameBytes, 0, 1 << 16);
        (ProxyProtocolFrom, ProxyProtocolFromUnixSockets) = reader.ReadPeers($"{Root}:ProxyProtocol");
        Transport = reader.ReadEnum($"{Root}:Transport", OperatingSystem.IsLinux() ? TransportKind.Epoll : TransportKind.Sockets);
        if (Transport == TransportKind.Epoll && !OperatingSystem.IsLinux())
        {
            reader.Complain($"{Root}:Transport", "Epoll", "Sockets: epoll is available on Linux only");
        }

        WarmUp = reader.ReadBool($"{Root}:WarmUp", true);
        EchoEnabled = reader.ReadBool($"{Root}:Echo:Enabled", false);
        Broker = Brokers.Read(reader, Root);
        HasAuth = AuthSettings.IsWanted(configuration);
        AuthSettings.Read(reader, Auth, HasAuth);
        Reject = reader.ReadEnum($"{AuthSettings.Section}:Reject", RejectKind.Close);
        ReadRelay(reader, Relay);
        ComplainAboutRooms(reader);
        ReadCentrifugo(reader, new CentrifugoOptions());
        _ = reader.ReadText(ApiKey, "");
    }

    public RoomOptions Rooms { get; } = new();

    /// <summary>Gets the maximum size of a request header block on every entry point, in bytes.</summary>
    public int MaxHeadBytes { get; }

    /// <summary>
    /// Gets the maximum of concurrent WebSockets, streams and other requests on one HTTP/2 connection, which all tabs of a browser
    /// share. At this number a client silently delays the next one (RFC 9113 5.1.2), so the default, 1,000, is far above the most that
    /// a browser opens (Chromium 256); Kestrel's own is 100.
    /// </summary>
    public int MaxStreamsPerConnection { get; }

    /// <summary>Gets the networks whose PROXY protocol headers are trusted; empty if none is expected.</summary>
    public IReadOnlyList<IPNetwork> ProxyProtocolFrom { get; }

    /// <summary>Gets whether connections over Unix sockets begin with such a header too.</summary>
    public bool ProxyProtocolFromUnixSockets { get; }

    /// <summary>Gets the transport under Kestrel.</summary>
    public TransportKind Transport { get; }

    /// <summary>Gets whether the code is compiled before the server listens.</summary>
    public bool WarmUp { get; }

    public bool EchoEnabled { get; }

    /// <summary>Gets whether clients have to authenticate.</summary>
    public bool HasAuth { get; }

    /// <summary>Gets how they authenticate.</summary>
    public AuthOptions Auth { get; } = new();

    /// <summary>Gets how unauthorized clients are refused.</summary>
    public RejectKind Reject { get; }

    /// <summary>Gets the settings of rooms.</summary>
    public RelayOptions Relay { get; } = new();

    /// <summary>Gets the broker that connects this node with others.</summary>
    public Brokers Broker { get; }

    /// <summary>Reads everything below <c>Weir:</c>.</summary>
    /// <exception cref="SettingsException">The configuration is not valid; the message lists all errors.</exception>
    public static HostSettings Read(IConfiguration configuration)
    {
        SettingsReader reader = new(configuration);
        HostSettings settings = new(configuration, reader);
        reader.ComplainAboutUnknown(Root);
        return reader.Complaints.Count == 0 ? settings : throw new SettingsException(reader.Complaints);
    }

    /// <summary>Applies the settings to the node.</summary>
    public void ApplyTo(WeirNodeOptions options) => ReadNode(new SettingsReader(_configuration), options);

    /// <summary>Applies the settings to an endpoint.</summary>
    public void ApplyTo(WeirOptions options) => ReadEndpoint(new SettingsReader(_configuration), options);

    /// <summary>Applies the settings of authentication.</summary>
    public void ApplyTo(AuthOptions options) => AuthSettings.Read(new SettingsReader(_configuration), options, HasAuth);

    /// <summary>Applies the settings to the rooms.</summary>
    public void ApplyTo(RelayOptions options) => ReadRelay(new SettingsReader(_configuration), options);

    /// <summary>Applies the settings to Centrifugo's protocol.</summary>
    public void ApplyTo(CentrifugoOptions options) => ReadCentrifugo(new SettingsReader(_configuration), options);

    /// <summary>Applies the settings of WebSockets to the streams.</summary>
    public void ApplyTo(SseOptions options)
    {
        WeirOptions sockets = new();
        ApplyTo(sockets);
        options.AllowedOrigins = sockets.AllowedOrigins;
        options.HeartbeatInterval = sockets.Heartbeat.Interval;
        options.CloseAtBytes = sockets.Pressure.CloseAtBytes;
        options.MaxDelay = sockets.Pressure.MaxDelay;
        options.MaxHeadBytes = sockets.MaxHeadBytes;
    }

    /// <summary>Applies the settings to the HTTP API.</summary>
    public void ApplyTo(ApiOptions options)
    {
        WeirOptions sockets = new();
        ApplyTo(sockets);
        options.Key = new SettingsReader(_configuration).ReadText(ApiKey, "");
        options.MaxBodyBytes = sockets.MaxMessageBytes + (64 * 1024); // a message of the largest size, and its envelope
    }

    private static void ReadRelay(SettingsReader reader, RelayOptions options)
    {
        string broker = $"{Root}:Broker";
        options.PositionCheckInterval = reader.ReadDuration(
            $"{broker}:PositionCheckInterval", options.PositionCheckInterval, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        options.PresenceLifetime = reader.ReadDuration(
            $"{broker}:PresenceLifetime", options.PresenceLifetime, TimeSpan.FromSeconds(3), TimeSpan.FromHours(1));
        options.BrokerTimeout = reader.ReadDuration($"{broker}:Timeout", options.BrokerTimeout, TimeSpan.Zero, TimeSpan.FromMinutes(1));
        options.MaxPublishesInFlight = reader.ReadInt($"{broker}:MaxPublishesInFlight", options.MaxPublishesInFlight, 1, 1 << 20);
        options.NodeName = reader.ReadText($"{Root}:Node:Name", options.NodeName);
        List<RoomRule> rules = [];
        foreach (string entry in reader.ReadEntries($"{Root}:Rooms"))
        {
            RoomRule byDefault = RoomRule.Default;
            string pattern = reader.ReadText($"{entry}:Pattern", "");
            if (pattern.Length == 0)
            {
                reader.Complain($"{entry}:Pattern", pattern, "a glob over the names of rooms, such as chat:* or *");
                pattern = byDefault.Pattern;
            }

            rules.Add(new RoomRule
            {
                Pattern = pattern,
                HistorySize = reader.ReadInt($"{entry}:HistorySize", byDefault.HistorySize, 0, 1 << 20),
                HistoryTtl = reader.ReadDuration($"{entry}:HistoryTtl", byDefault.HistoryTtl, TimeSpan.Zero, TimeSpan.FromDays(365)),
                Durable = reader.ReadBool($"{entry}:Durable", byDefault.Durable),
                Presence = reader.ReadBool($"{entry}:Presence", byDefault.Presence),
                Access = reader.ReadEnum($"{entry}:Access", byDefault.Access),
                Publish = reader.ReadEnum($"{entry}:Publish", byDefault.Publish),
            });
        }

        options.Rules = new RoomRules(rules);
    }

    // Without tokens clients cannot be distinguished, and a room configured as private would be open.
    private void ComplainAboutRooms(SettingsReader reader)
    {
        if (HasAuth)
        {
            return;
        }

        foreach (string entry in reader.ReadEntries($"{Root}:Rooms"))
        {
            if (_configuration[$"{entry}:Access"] is { } access)
            {
                reader.Complain($"{entry}:Access", access, $"no value unless {AuthSettings.Section} is set: every client may listen");
            }

            if (reader.ReadEnum($"{entry}:Publish", RoomPublishing.Members) == RoomPublishing.Granted)
            {
                reader.Complain($"{entry}:Publish", "Granted", $"Members or Nobody unless {AuthSettings.Section} is set");
            }
        }
    }

    private static void ReadCentrifugo(SettingsReader reader, CentrifugoOptions options)
    {
        string section = $"{Root}:Centrifugo";
        options.ConnectTimeout = reader.ReadDuration(
            $"{section}:ConnectTimeout", options.ConnectTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10));
        options.ExpiryGrace = reader.ReadDuration($"{section}:ExpiryGrace", options.ExpiryGrace, TimeSpan.Zero, TimeSpan.FromHours(1));
        options.MaxPublicationsPerReply = reader.ReadInt(
            $"{section}:MaxPublicationsPerReply", options.MaxPublicationsPerReply, 1, 1 << 20);
    }

    private static void ReadEndpoint(SettingsReader reader, WeirOptions options)
    {
        string limits = $"{Root}:Limits";
        options.KeepRequest = false; // the handlers copy the fields that they need when the connection opens
        options.MaxMessageBytes = reader.ReadInt($"{limits}:MaxMessageBytes", options.MaxMessageBytes, 1, 1 << 30);
        options.MaxHeadBytes = reader.ReadInt($"{limits}:MaxHeadBytes", options.MaxHeadBytes, 256, 1 << 20);
        options.HandshakeTimeout = reader.ReadDuration(
            $"{limits}:HandshakeTimeout", options.HandshakeTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10));
        options.Inbound.MessagesPerSecond = reader.ReadInt($"{limits}:MessagesPerSecond", 0, 0, int.MaxValue);
        options.Inbound.BytesPerSecond = reader.ReadInt($"{limits}:BytesPerSecond", 0, 0, int.MaxValue);
        options.Inbound.Burst = reader.ReadDuration(
            $"{limits}:Burst", options.Inbound.Burst, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
        ReadHeartbeat(reader, options.Heartbeat);
        ReadPressure(reader, options.Pressure);
        ReadDeflate(reader, options.Deflate);
        ReadOrigins(reader, options);
    }

    private static void ReadNode(SettingsReader reader, WeirNodeOptions options)
    {
        string limits = $"{Root}:Limits";
        options.MaxConnections = reader.ReadInt($"{limits}:MaxConnections", 0, 0, int.MaxValue);
        options.MaxConnectionsPerAddress = reader.ReadInt($"{limits}:MaxConnectionsPerAddress", 0, 0, int.MaxValue);
        options.HandshakesPerSecond = reader.ReadInt($"{limits}:HandshakesPerSecond", 0, 0, int.MaxValue);
        options.HandshakeBurst = reader.ReadInt($"{limits}:HandshakeBurst", 0, 0, int.MaxValue);
        options.MaxPendingBytes = (long)reader.ReadInt($"{Root}:Pressure:NodeMegabytes", 0, 0, 1 << 20) << 20;
        (options.TrustedProxies, options.TrustUnixSockets) = reader.ReadPeers($"{Root}:TrustedProxies");
        options.DrainWindow = reader.ReadDuration($"{Root}:Drain:Window", options.DrainWindow, TimeSpan.Zero, TimeSpan.FromHours(1));
    }

    private static void ReadHeartbeat(SettingsReader reader, HeartbeatOptions heartbeat)
    {
        TimeSpan interval = reader.ReadDuration($"{Root}:Heartbeat:Interval", heartbeat.Interval, TimeSpan.Zero, TimeSpan.FromHours(1));
        if (interval > TimeSpan.Zero && interval < TimeSpan.FromMilliseconds(200))
        {
            reader.Complain($"{Root}:Heartbeat:Interval", Duration.Format(interval), "0 (off) or a time from 200ms to 60m");
            interval = heartbeat.Interval;
        }

        heartbeat.Interval = interval;
        heartbeat.Timeout = reader.ReadDuration(
            $"{Root}:Heartbeat:Timeout", heartbeat.Timeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
    }

    private static void ReadPressure(SettingsReader reader, PressureOptions pressure)
    {
        string section = $"{Root}:Pressure";
        pressure.HighWaterBytes = reader.ReadInt($"{section}:HighWaterBytes", (int)pressure.HighWaterBytes, 0, 1 << 30);
        pressure.CloseAtBytes = reader.ReadInt($"{section}:CloseAtBytes", (int)pressure.CloseAtBytes, 1, 1 << 30);
        pressure.MaxDelay = reader.ReadDuration($"{section}:MaxDelay", pressure.MaxDelay, TimeSpan.Zero, TimeSpan.FromHours(1));
        pressure.CloseTimeout = reader.ReadDuration(
            $"{section}:CloseTimeout", pressure.CloseTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
        pressure.Policy = reader.ReadEnum($"{section}:Policy", pressure.Policy);
        int code = reader.ReadInt($"{section}:CloseCode", (int)pressure.CloseCode, 1000, 4999);
        pressure.CloseReason = reader.ReadText($"{section}:CloseReason", pressure.CloseReason);
        try
        {
            pressure.CloseCode = (CloseCode)code;
        }
        catch (ArgumentOutOfRangeException)
        {
            reader.Complain(
                $"{section}:CloseCode",
                code.ToString(CultureInfo.InvariantCulture),
                "a code that may be sent: 1000-1003, 1007-1014, 3000-4999");
        }
    }

    private static void ReadDeflate(SettingsReader reader, DeflateOptions deflate)
    {
        string section = $"{Root}:Deflate";
        deflate.Enabled = reader.ReadBool($"{section}:Enabled", deflate.Enabled);
        deflate.ServerMaxWindowBits = reader.ReadInt($"{section}:ServerMaxWindowBits", deflate.ServerMaxWindowBits, 9, 15);
        deflate.ClientMaxWindowBits = reader.ReadInt($"{section}:ClientMaxWindowBits", deflate.ClientMaxWindowBits, 9, 15);
        deflate.ServerContextTakeover = reader.ReadBool($"{section}:ServerContextTakeover", deflate.ServerContextTakeover);
        deflate.ClientContextTakeover = reader.ReadBool($"{section}:ClientContextTakeover", deflate.ClientContextTakeover);
        deflate.MinimumBytes = reader.ReadInt($"{section}:MinimumBytes", deflate.MinimumBytes, 0, 1 << 30);
        deflate.Level = reader.ReadInt($"{section}:Level", deflate.Level, 1, 9);
    }

    private static void ReadOrigins(SettingsReader reader, WeirOptions options)
    {
        IReadOnlyList<string> origins = reader.ReadList($"{Root}:Origins");
        try
        {
            options.AllowedOrigins = origins;
        }
        catch (ArgumentException error)
        {
            reader.Complain(
                $"{Root}:Origins", string.Join(", ", origins), $"a list of origins such as https://*.example.com, or *; {error.Message}");
        }
    }
}
