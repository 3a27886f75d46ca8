using Weir.Framing;
using Weir.Handshake;

namespace Weir;

/// <summary>The settings of one endpoint. Read once, when the endpoint is made; later changes have no effect.</summary>
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
    /// The largest message accepted, in bytes after decompression; default 1 MiB. A larger one closes the connection with
    /// 1009, judged from the frame's header before its payload is read. Also bounds the sum of a message's fragments.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxMessageBytes
    {
        get => _maxMessageBytes;
        set => _maxMessageBytes = OptionRange.Number(value, 1, int.MaxValue);
    }

    /// <summary>
    /// The largest request head (request line and headers) of an opening handshake, in bytes; default 16 KiB. A larger one
    /// is answered with 431. Of several endpoints on one listener the largest value holds for all.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 256.</exception>
    public int MaxHeadBytes
    {
        get => _maxHeadBytes;
        set => _maxHeadBytes = OptionRange.Number(value, 256, int.MaxValue);
    }

    /// <summary>
    /// How long a new connection may take until its first request head is there, and the handler to judge it; default
    /// 10 seconds. Then it is closed without an answer. Of several endpoints on one listener the longest holds for all.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative.</exception>
    public TimeSpan HandshakeTimeout
    {
        get => _handshakeTimeout;
        set => _handshakeTimeout = OptionRange.OnWheel(value, TimeSpan.FromTicks(1));
    }

    /// <summary>
    /// How long a closing connection may take to get its close frame out and the peer's back; default 5 seconds. Then it
    /// is aborted.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative.</exception>
    public TimeSpan CloseTimeout
    {
        get => _closeTimeout;
        set => _closeTimeout = OptionRange.OnWheel(value, TimeSpan.FromTicks(1));
    }

    /// <summary>The code that connections are closed with when the node goes down; default 1001.</summary>
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

    /// <summary>The reason that goes with <see cref="ShutdownCode"/>; default "server shutting down". Cut after 123 bytes.</summary>
    public string ShutdownReason
    {
        get => _shutdownReason;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            _shutdownReason = value;
        }
    }

    /// <summary>Pings, and how long a silent peer is kept.</summary>
    public HeartbeatOptions Heartbeat { get; } = new();

    /// <summary>How much one client may send.</summary>
    public InboundOptions Inbound { get; } = new();

    /// <summary>What happens to clients that read too slowly.</summary>
    public PressureOptions Pressure { get; } = new();

    /// <summary>
    /// Hands the pieces of a message to <see cref="WeirHandler.OnFragmentAsync"/> as they arrive instead of whole messages
    /// to <see cref="WeirHandler.OnMessageAsync"/>; default false. <see cref="MaxMessageBytes"/> still holds.
    /// </summary>
    public bool StreamFragments { get; set; }

    /// <summary>
    /// Keeps the request's head in memory until the connection closes, so that
    /// <see cref="WeirConnection.Request"/> can be asked for headers at any time; default true. False lets it go after
    /// <see cref="WeirHandler.OnOpenedAsync"/>: a browser's head is 500 to 1,500 bytes per connection.
    /// </summary>
    public bool KeepRequest { get; set; } = true;

    /// <summary>
    /// Origins a browser may connect from, as globs such as <c>https://*.example.com</c>; <c>*</c> allows all. Empty, the
    /// default: only the request's own host. Requests without an Origin do not come from a browser and are always allowed
    /// (RFC 6455 section 10.2). A refused Origin is answered with 403.
    /// </summary>
    /// <exception cref="ArgumentException">A glob is malformed; the message names it.</exception>
    public IReadOnlyList<string> AllowedOrigins
    {
        get => _allowedOrigins;
        set
        {
            _ = new OriginPolicy(value); // refuses what it cannot read
            _allowedOrigins = value;
        }
    }

    /// <summary>
    /// The subprotocols spoken here, most wanted first, compared exactly; empty by default. The first that the client
    /// offers is selected; when there is none the connection opens without (RFC 6455 section 4.2.2).
    /// </summary>
    public IReadOnlyList<string> Subprotocols { get; set; } = [];

    /// <summary>Compression of messages (RFC 7692); off by default.</summary>
    public DeflateOptions Deflate { get; } = new();
}
