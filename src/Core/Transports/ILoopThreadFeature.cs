namespace Weir.Transports;

/// <summary>
/// A feature of the connections of a transport that has threads of its own, each serving many connections.
/// </summary>
public interface ILoopThreadFeature
{
    /// <summary>
    /// Whether continuations that wait for this connection's bytes run on the thread that received them, which saves a dispatch
    /// per read; default false.
    /// </summary>
    /// <remarks>
    /// Only for code that is known not to block: it delays the other connections of that thread while it runs. <c>UseWeir</c>
    /// sets it for the connections it keeps (a handler must not block) and leaves it off for those it passes on to HTTP.
    /// </remarks>
    bool RunInline { get; set; }

    /// <summary>Whether the calling thread is the one that serves the connection.</summary>
    bool IsCurrent { get; }

    /// <summary>
    /// Whether bytes of the peer have arrived that have not been read yet: then the peer only seems silent, because the server is
    /// behind. Costs a system call, so not for every message. Thread-safe.
    /// </summary>
    bool HasUnreadInput { get; }

    /// <summary>Queues work to the connection's thread, after its current work. Thread-safe.</summary>
    void Post(IThreadPoolWorkItem work);

    /// <summary>
    /// Detaches the connection from the server that accepted it. On success the connection middleware returns immediately, the
    /// server releases the connection with all state it kept for it (about half of the cost of an idle connection), and the
    /// caller continues to serve it and ends it with <see cref="DisposeDetachedAsync"/>.
    /// </summary>
    /// <returns>
    /// <c>false</c> if a component above needs the connection for its whole life: one that replaced its transport (TLS,
    /// connection logging), added a feature (the server's own metrics) or counts connections (the server's limit).
    /// </returns>
    bool TryDetach();

    /// <summary>Ends a detached connection: pending output is sent, then the socket is closed.</summary>
    ValueTask DisposeDetachedAsync();
}
