namespace Weir.Host.Features.Transport;

/// <summary>The transport under Kestrel.</summary>
internal enum TransportKind
{
    /// <summary>Weir's epoll transport, on Linux only.</summary>
    Epoll,

    /// <summary>Kestrel's own transport, on all systems.</summary>
    Sockets,
}
