using System.Buffers;
using Weir.Closing;
using Weir.Handshake;
using Weir.Limits;
using Weir.Protocol.Compression;
using Weir.Sending;
using Weir.Timing;

namespace Weir.Connections;

/// <summary>One path with its handler and its settings, ready for use: what every connection on it points to.</summary>
internal sealed class WeirEndpoint
{
    public WeirEndpoint(string path, WeirHandler handler, EndpointSettings settings, WeirEngine engine,
        SharedFramesPool? runs = null, ArrayPool<byte>? arrays = null)
    {
        Path = path;
        Handler = handler;
        Engine = engine;
        MaxHeadBytes = settings.MaxHeadBytes;
        HandshakeTimeout = settings.HandshakeTimeout;
        CloseTimeout = settings.CloseTimeout;
        KeepRequest = settings.KeepRequest;
        Shutdown = new WeirClosure(settings.ShutdownCode, settings.ShutdownReason, CloseCause.Draining);
        Origins = settings.Origins;
        Subprotocols = settings.Subprotocols;
        Deflate = settings.Deflate;
        ZlibPool? zlib = settings.Deflate.Enabled ? new ZlibPool(settings.Deflate.Level) : null;
        Heartbeat = HeartbeatTicks.From(settings.Heartbeat, TimerWheel.DefaultTick);
        Inbound = InboundLimit.From(settings.Inbound, TimerWheel.DefaultTick);
        MaxDelayTicks = TimerWheel.TicksOf(settings.Pressure.MaxDelay, TimerWheel.DefaultTick);
        Sending = new SendSettings(
            runs ?? SharedFramesPool.Shared, settings.Pressure, engine.Pressure, settings.Deflate.MinimumBytes, zlib);
        Reading = new ReadSettings(settings.MaxMessageBytes, settings.StreamFragments, arrays ?? ArrayPool<byte>.Shared, zlib);
    }

    public string Path { get; }

    public WeirHandler Handler { get; }

    public WeirEngine Engine { get; }

    public int MaxHeadBytes { get; }

    public TimeSpan HandshakeTimeout { get; }

    public TimeSpan CloseTimeout { get; }

    public bool KeepRequest { get; }

    /// <summary>The closure sent to clients when the node drains.</summary>
    public WeirClosure Shutdown { get; }

    /// <summary><c>null</c> if the heartbeat is off.</summary>
    public HeartbeatTicks? Heartbeat { get; }

    /// <summary>The longest a message may wait for a slow client; 0: any time.</summary>
    public long MaxDelayTicks { get; }

    /// <summary>How much a client may send; null: any amount.</summary>
    public InboundLimit? Inbound { get; }

    public OriginPolicy Origins { get; }

    public IReadOnlyList<string> Subprotocols { get; }

    public DeflateSettings Deflate { get; }

    public SendSettings Sending { get; }

    public ReadSettings Reading { get; }
}
