using Weir.Handshake;
using Weir.Limits;
using Weir.Protocol;
using Weir.Protocol.Compression;
using Weir.Sending;

namespace Weir.Connections;

/// <summary>The settings of one endpoint; an immutable copy of the options that the application set.</summary>
internal sealed record EndpointSettings
{
    /// <summary>The largest message, in bytes after decompression.</summary>
    public required int MaxMessageBytes { get; init; }

    /// <summary>Whether the handler receives fragments as they arrive instead of whole messages.</summary>
    public required bool StreamFragments { get; init; }

    /// <summary>The largest request header block, in bytes.</summary>
    public required int MaxHeadBytes { get; init; }

    /// <summary>The time from the transport's start until the handshake is answered.</summary>
    public required TimeSpan HandshakeTimeout { get; init; }

    /// <summary>The time that a closing handshake may take.</summary>
    public required TimeSpan CloseTimeout { get; init; }

    /// <summary>Whether a connection keeps its request until it ends.</summary>
    public required bool KeepRequest { get; init; }

    /// <summary>The code with which connections are closed when the node drains.</summary>
    public required CloseCode ShutdownCode { get; init; }

    /// <summary>The reason sent with that code.</summary>
    public required string ShutdownReason { get; init; }

    /// <summary>The origins that may connect.</summary>
    public required OriginPolicy Origins { get; init; }

    /// <summary>The subprotocols of the endpoint, in order of preference.</summary>
    public required IReadOnlyList<string> Subprotocols { get; init; }

    /// <summary>Compression.</summary>
    public required DeflateSettings Deflate { get; init; }

    /// <summary>Pings, and how long an idle peer is kept.</summary>
    public required HeartbeatSettings Heartbeat { get; init; }

    /// <summary>The rate limits of a client.</summary>
    public required InboundSettings Inbound { get; init; }

    /// <summary>The treatment of clients that read too slowly.</summary>
    public required PressureSettings Pressure { get; init; }
}
