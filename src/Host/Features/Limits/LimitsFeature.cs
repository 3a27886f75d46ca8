using Microsoft.AspNetCore.Server.Kestrel.Core;
using Weir.Host.Settings;
using Weir.Rooms;

namespace Weir.Host.Features.Limits;

/// <summary>The limits of a node, of a client, and of requests on every entry point.</summary>
/// <param name="pathsWithHeadLimit">Returns the paths whose endpoints limit the request header block themselves.</param>
internal sealed class LimitsFeature(Func<IEnumerable<PathString>> pathsWithHeadLimit) : Feature
{
    private const string Section = "Weir:Limits";

    private static readonly SettingTable<WeirOptions> _endpoint = new SettingTable<WeirOptions>(Section)
        .Int("MaxMessageBytes", "bytes", 1, 1 << 30, static o => o.MaxMessageBytes, static (o, value) => o.MaxMessageBytes = value,
            "the largest message, after decompression; beyond it 1009")
        .Int("MaxHeadBytes", "bytes", 256, 1 << 20, static o => o.MaxHeadBytes, static (o, value) => o.MaxHeadBytes = value,
            "the largest request header block (request line and headers), of handshakes, streams and all other requests over HTTP/1.1 "
            + "and HTTP/2; beyond it HTTP 431, with CORS headers on streams. Kestrel answers 414 or 431 itself from 64 KiB above it")
        .Duration("HandshakeTimeout", TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10),
            static o => o.HandshakeTimeout, static (o, value) => o.HandshakeTimeout = value,
            "for a new connection's first request header block; then it is closed")
        .Int("MessagesPerSecond", "per second", 0, int.MaxValue,
            static o => o.Inbound.MessagesPerSecond, static (o, value) => o.Inbound.MessagesPerSecond = value,
            "from one client, on average, by WebSocket and by `/emulation` alike; beyond it 1008, or [Centrifugo's error 111 and code "
            + "3013](docs/reference/protocol.md#rate-limits). 0: unlimited. Pings, unsolicited Pongs and frames that a fragmented message "
            + "does not need (more than 16 and one per 128 bytes) count as messages")
        .Int("BytesPerSecond", "per second", 0, int.MaxValue,
            static o => o.Inbound.BytesPerSecond, static (o, value) => o.Inbound.BytesPerSecond = value,
            "likewise, in bytes. 0: unlimited")
        .Duration("Burst", TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1),
            static o => o.Inbound.Burst, static (o, value) => o.Inbound.Burst = value,
            "how much a client may send in one burst, as the time it would take at the average rate");

    private static readonly SettingTable<WeirNodeOptions> _node = new SettingTable<WeirNodeOptions>(Section)
        .Int("MaxConnections", "connections", 0, int.MaxValue,
            static o => o.MaxConnections, static (o, value) => o.MaxConnections = value,
            "in total; beyond it HTTP 503 with Retry-After. 0: unlimited")
        .Int("MaxConnectionsPerAddress", "connections", 0, int.MaxValue,
            static o => o.MaxConnectionsPerAddress, static (o, value) => o.MaxConnectionsPerAddress = value,
            "per remote address, IPv6 per /64; beyond it HTTP 429. 0: unlimited")
        .Int("HandshakesPerSecond", "per second", 0, int.MaxValue,
            static o => o.HandshakesPerSecond, static (o, value) => o.HandshakesPerSecond = value,
            "handshakes of the node; beyond it HTTP 503. 0: unlimited")
        .Int("HandshakeBurst", "handshakes", 0, int.MaxValue,
            static o => o.HandshakeBurst, static (o, value) => o.HandshakeBurst = value,
            "the most at once, within that rate. 0: one second's rate");

    private static readonly SettingTable<RoomOptions> _rooms = new SettingTable<RoomOptions>(Section)
        .Int("RoomsPerConnection", "rooms", 0, int.MaxValue,
            static o => o.MaxRoomsPerConnection, static (o, value) => o.MaxRoomsPerConnection = value,
            "the most that a client may be in. 0: unlimited")
        .Int("RoomNameBytes", "bytes", 0, 1 << 16, static o => o.MaxNameBytes, static (o, value) => o.MaxNameBytes = value,
            "the longest name of a room, in UTF-8. 0: unlimited");

    private static readonly SettingTable<HttpLimits> _http = new SettingTable<HttpLimits>(Section)
        .Int("MaxStreamsPerConnection", "number", 1, 1 << 16,
            static o => o.MaxStreamsPerConnection, static (o, value) => o.MaxStreamsPerConnection = value,
            "concurrent WebSockets, streams and requests on one HTTP/2 connection, which all tabs of a browser share: one more waits in "
            + "the client until another ends, without an error");

    private SettingValues<WeirOptions> _endpointValues = new();
    private SettingValues<WeirNodeOptions> _nodeValues = new();
    private RoomOptions _roomValues = new();
    private HttpLimits _httpValues = new();

    public override IEnumerable<Setting> Settings => [.. _endpoint.Settings, .. _node.Settings, .. _rooms.Settings, .. _http.Settings];

    public override void Read(SettingsReader reader)
    {
        _endpointValues = _endpoint.Read(reader);
        _nodeValues = _node.Read(reader);
        _httpValues = _http.Read(reader).Value;
        _roomValues = _rooms.Read(reader).Value;
    }

    public override void AddServices(WebApplicationBuilder builder) => builder.Services.AddSingleton(new RoomDirectory(_roomValues));

    public override void Configure(WeirNodeOptions node) => _nodeValues.ApplyTo(node);

    public override void Configure(WeirOptions endpoint) => _endpointValues.ApplyTo(endpoint);

    public override void Configure(KestrelServerOptions kestrel)
    {
        HeadLimit.Apply(kestrel.Limits, _endpointValues.Value.MaxHeadBytes);
        kestrel.Limits.Http2.MaxStreamsPerConnection = _httpValues.MaxStreamsPerConnection;
    }

    public override void Map(WebApplication app)
        => HeadLimit.Use(app, _endpointValues.Value.MaxHeadBytes, [.. pathsWithHeadLimit()]);

    protected override void Report(Exposure exposure)
    {
        WeirNodeOptions node = _nodeValues.Value;
        exposure.Add(
            ExposureArea.Limits,
            node.MaxConnections > 0,
            $"At most {node.MaxConnections} connections",
            "Any number of connections: Weir:Limits:MaxConnections is 0",
            exposure.IfPublic(Severity.Warning));
        exposure.Add(
            ExposureArea.Limits,
            node.MaxConnectionsPerAddress > 0,
            $"At most {node.MaxConnectionsPerAddress} connections from one address",
            "Any number of connections from one address: Weir:Limits:MaxConnectionsPerAddress is 0",
            exposure.IfPublic(Severity.Warning));
        exposure.Add(
            ExposureArea.Limits,
            node.HandshakesPerSecond > 0,
            $"At most {node.HandshakesPerSecond} handshakes per second",
            "Any number of handshakes at once, as when another node fails: Weir:Limits:HandshakesPerSecond is 0",
            exposure.IfPublic(Severity.Warning));
        exposure.Add(
            ExposureArea.Limits,
            _endpointValues.Value.Inbound is { MessagesPerSecond: > 0 } or { BytesPerSecond: > 0 },
            "The inbound rate of a client is limited (Weir:Limits:MessagesPerSecond, BytesPerSecond)",
            "The inbound rate of a client is unlimited: Weir:Limits:MessagesPerSecond and BytesPerSecond are 0",
            exposure.IfPublic(Severity.Warning));
        exposure.Add(
            ExposureArea.Limits,
            _roomValues.MaxNameBytes > 0,
            $"The name of a room has at most {_roomValues.MaxNameBytes} bytes",
            "The name of a room has any length that fits a request: Weir:Limits:RoomNameBytes is 0");
        exposure.Add(
            ExposureArea.Limits,
            _roomValues.MaxRoomsPerConnection > 0,
            $"A client is in at most {_roomValues.MaxRoomsPerConnection} rooms",
            "A client may join any number of rooms: Weir:Limits:RoomsPerConnection is 0");
        exposure.MaxConnections = node.MaxConnections;
    }

    private sealed class HttpLimits
    {
        /// <summary>
        /// At this number a client silently delays the next one (RFC 9113 5.1.2), so the default is far above the most that a browser
        /// opens (Chromium 256); Kestrel's own is 100.
        /// </summary>
        public int MaxStreamsPerConnection { get; set; } = 1000;
    }
}
