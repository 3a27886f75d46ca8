namespace Weir;

/// <summary>
/// Offered by a transport that has threads of its own, each serving many connections. Found among the connection's features.
/// </summary>
public interface ILoopThreadFeature
{
    /// <summary>
    /// Whether what waits for this connection's bytes goes on upon the thread that received them, which saves a dispatch per
    /// read; default false.
    /// </summary>
    /// <remarks>
    /// For whoever knows what runs there: it holds up the other connections of that thread while it runs. <c>UseWeir</c>
    /// turns it on for the connections it keeps (a handler must not block) and leaves it off for those it passes on to HTTP.
    /// </remarks>
    bool RunsOnLoop { get; set; }

    /// <summary>Whether the calling thread is the connection's own.</summary>
    bool IsCurrent { get; }

    /// <summary>
    /// Whether bytes of the peer have arrived that nobody has read yet: then its silence is the server's, which is behind. Asks the
    /// system, so not for every message. Thread-safe.
    /// </summary>
    bool HasUnreadInput { get; }

    /// <summary>Has something executed on the connection's thread, after what it is at. Thread-safe.</summary>
    void Post(IThreadPoolWorkItem work);

    /// <summary>
    /// Takes the connection out of the hands of the server that accepted it. When this succeeds, the connection middleware
    /// returns at once, the server forgets the connection with all it kept for it (about half of what a quiet connection
    /// costs), and the caller runs it on by itself and ends it with <see cref="DisposeDetachedAsync"/>.
    /// </summary>
    /// <returns>
    /// False when somebody above needs to know the connection for as long as it lives: one who replaced its transport (TLS,
    /// connection logging), added a feature (the server's own metrics) or counts connections (the server's limit).
    /// </returns>
    bool TryDetach();

    /// <summary>Ends a detached connection: what was sent leaves, then the socket is closed.</summary>
    ValueTask DisposeDetachedAsync();
}
