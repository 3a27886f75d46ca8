namespace Weir.Host.Settings;

/// <summary>Which transport Kestrel listens with.</summary>
internal enum TransportKind
{
    /// <summary>Our own, Linux only.</summary>
    Epoll,

    /// <summary>Kestrel's own, everywhere.</summary>
    Sockets,
}
