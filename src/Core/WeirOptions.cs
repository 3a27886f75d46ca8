using Weir.Connections;
using Weir.Handshake;
using Weir.Protocol;
using Weir.Validation;

namespace Weir;

/// <summary>The settings of one endpoint. Read once, when the endpoint is created; later changes have no effect.</summary>
public sealed class WeirOptions
{
    private int _maxMessageBytes = 1024 * 1024;
    private int _maxHeadBytes = 16 * 1024;
    private TimeSpan _handshakeTimeout = TimeSpan.FromSeconds(10);
    private TimeSpan _closeTimeout = TimeSpan.FromSeconds(5);
    private CloseCode _shutdownCode = CloseCode.GoingAway;
    private string _shutdownReason = "server shutting down";
    private IReadOnlyList<string> _allowedOrigins = [];

    /// <summary>
    /// The largest message accepted, in bytes after decompression; default 1 MiB. A larger one closes the connection with 1009,
    /// decided by the frame's header before its payload is read. Also bounds the sum of a message's fragments.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxMessageBytes
    {
        get => _maxMessageBytes;
        set => _maxMessageBytes = OptionRange.Number(value, 1, int.MaxValue);
    }

    /// <summary>
    /// The largest request header block (request line and headers) of an opening handshake, in bytes; default 16 KiB. A larger
    /// one is answered with 431. Of several endpoints on one listener the largest value applies to all.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 256.</exception>
    public int MaxHeadBytes
    {
        get => _maxHeadBytes;
        set => _maxHeadBytes = OptionRange.Number(value, 256, int.MaxValue);
    }

    /// <summary>
    /// The time limit for the first request header block of a new connection and for the handler's decision on it; default 10
    /// seconds. On timeout the connection is closed without a response. Of several endpoints on one listener the longest applies
    /// to all.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative.</exception>
    public TimeSpan HandshakeTimeout
    {
        get => _handshakeTimeout;
        set => _handshakeTimeout = OptionRange.OnWheel(value, TimeSpan.FromTicks(1));
    }

    /// <summary>
    /// The time limit for sending the close frame and receiving the peer's; default 5 seconds. On timeout the connection is aborted.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative.</exception>
    public TimeSpan CloseTimeout
    {
        get => _closeTimeout;
        set => _closeTimeout = OptionRange.OnWheel(value, TimeSpan.FromTicks(1));
    }

    /// <summary>The code that closes connections when the node shuts down; default 1001.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The code may not be sent (RFC 6455 section 7.4).</exception>
    public CloseCode ShutdownCode
    {
        get => _shutdownCode;
        set
        {
            ClosePayload.ThrowUnlessSendable(value, "");
            _shutdownCode = value;
        }
    }

    /// <summary>The reason that goes with <see cref="ShutdownCode"/>; default "server shutting down". Truncated to 123 bytes.</summary>
    public string ShutdownReason
    {
        get => _shutdownReason;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            _shutdownReason = value;
        }
    }

    /// <summary>Pings, and how long an unresponsive peer is kept.</summary>
    public HeartbeatOptions Heartbeat { get; } = new();

    /// <summary>How much one client may send.</summary>
    public InboundOptions Inbound { get; } = new();

    /// <summary>Limits and policies for clients that read too slowly.</summary>
    public PressureOptions Pressure { get; } = new();

    /// <summary>
    /// Passes the fragments of a message to <see cref="WeirHandler.OnFragmentAsync"/> as they arrive instead of whole messages to
    /// <see cref="WeirHandler.OnMessageAsync"/>; default false. <see cref="MaxMessageBytes"/> still applies.
    /// </summary>
    public bool StreamFragments { get; set; }

    /// <summary>
    /// Keeps the request header block in memory until the connection closes, so that <see cref="WeirConnection.Request"/> returns
    /// headers at any time; default true. False releases it after <see cref="WeirHandler.OnOpenedAsync"/>: that of a browser is
    /// 500 to 1,500 bytes per connection.
    /// </summary>
    public bool KeepRequest { get; set; } = true;

    /// <summary>
    /// Origins from which a browser may connect, as globs such as <c>https://*.example.com</c>; <c>*</c> allows all. Empty, the
    /// default: only the request's own host. Requests without an Origin do not come from a browser and are always allowed (RFC
    /// 6455 section 10.2). A refused Origin is answered with 403.
    /// </summary>
    /// <exception cref="ArgumentException">A glob is malformed; the message names it.</exception>
    public IReadOnlyList<string> AllowedOrigins
    {
        get => _allowedOrigins;
        set
        {
            _ = new OriginPolicy(value); // throws on a malformed glob
            _allowedOrigins = value;
        }
    }

    /// <summary>
    /// The supported subprotocols in order of preference, compared exactly; empty by default. The first that the client offers is
    /// selected; if there is none the connection opens without (RFC 6455 section 4.2.2).
    /// </summary>
    public IReadOnlyList<string> Subprotocols { get; set; } = [];

    /// <summary>Compression of messages (RFC 7692); off by default.</summary>
    public DeflateOptions Deflate { get; } = new();
}
