using System.Buffers;
using Weir.Compression;
using Weir.Handshake;
using Weir.Limits;
using Weir.Sending;
using Weir.Timing;

namespace Weir.Connections;

/// <summary>One path with its handler and its settings, ready for use: what every connection on it points to.</summary>
internal sealed class WeirEndpoint
{
    public WeirEndpoint(string path, WeirHandler handler, WeirOptions options, WeirEngine engine, FrameRunPool? runs = null, ArrayPool<byte>? arrays = null)
    {
        Path = path;
        Handler = handler;
        Engine = engine;
        MaxHeadBytes = options.MaxHeadBytes;
        HandshakeTimeout = options.HandshakeTimeout;
        CloseTimeout = options.CloseTimeout;
        KeepRequest = options.KeepRequest;
        Shutdown = new WeirClosure(options.ShutdownCode, options.ShutdownReason, CloseInitiator.Server);
        Origins = new OriginPolicy(options.AllowedOrigins);
        Subprotocols = [.. options.Subprotocols];
        Deflate = options.Deflate;
        ZlibPool? zlib = options.Deflate.Enabled ? new ZlibPool(options.Deflate) : null;
        Heartbeat = HeartbeatTicks.From(options.Heartbeat, TimerWheel.DefaultTick);
        Inbound = InboundLimit.From(options.Inbound, TimerWheel.DefaultTick);
        MaxDelayTicks = ConnectionTimer.TicksOf(options.Pressure.MaxDelay, TimerWheel.DefaultTick);
        Sending = new SendSettings(
            runs ?? FrameRunPool.Shared, PressureSettings.From(options.Pressure), engine.Pressure, options.Deflate.MinimumBytes, zlib);
        Reading = new ReadSettings(options.MaxMessageBytes, options.StreamFragments, arrays ?? ArrayPool<byte>.Shared, zlib);
    }

    /// <summary>Makes the endpoint of a path as an application declares it.</summary>
    public static WeirEndpoint Create(string path, WeirHandler handler, Action<WeirOptions>? configure, WeirEngine engine)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (path[0] != '/')
        {
            throw new ArgumentException($"A path begins with a slash; '{path}' does not.", nameof(path));
        }

        WeirOptions options = new();
        configure?.Invoke(options);
        return new WeirEndpoint(path, handler, options, engine);
    }

    public string Path { get; }

    public WeirHandler Handler { get; }

    public WeirEngine Engine { get; }

    public int MaxHeadBytes { get; }

    public TimeSpan HandshakeTimeout { get; }

    public TimeSpan CloseTimeout { get; }

    public bool KeepRequest { get; }

    /// <summary>What a client is told when the node goes down.</summary>
    public WeirClosure Shutdown { get; }

    /// <summary>Null when the heartbeat is off.</summary>
    public HeartbeatTicks? Heartbeat { get; }

    /// <summary>The longest a message may wait for a slow client; 0: any time.</summary>
    public long MaxDelayTicks { get; }

    /// <summary>How much a client may send; null: any amount.</summary>
    public InboundLimit? Inbound { get; }

    public OriginPolicy Origins { get; }

    public IReadOnlyList<string> Subprotocols { get; }

    public DeflateOptions Deflate { get; }

    public SendSettings Sending { get; }

    public ReadSettings Reading { get; }
}
