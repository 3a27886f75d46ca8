using System.Diagnostics.CodeAnalysis;

namespace Weir.Transports;

/// <summary>
/// A feature of the connections of a transport that has threads of its own, each serving many connections. The transport sets it in
/// <c>ConnectionContext.Features</c>; the engine finds it there, and works without it.
/// </summary>
/// <remarks>
/// The input of such a connection may be a <see cref="LoopReader"/>: then a connection that was detached by <see cref="TryDetach"/>
/// waits for data without a task. <see cref="ITcpInfoFeature"/> and <see cref="Timing.LoopTimeProvider"/> are independent of both.
/// </remarks>
[Experimental("WEIR001")]
public interface ILoopThreadFeature
{
    /// <summary>
    /// Whether continuations that wait for this connection's bytes run on the thread that received them, which saves a dispatch
    /// per read; default false. Thread-safe.
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
    /// behind. Costs a system call, so not for every message. False after the connection has ended. Thread-safe.
    /// </summary>
    bool HasUnreadInput { get; }

    /// <summary>
    /// Queues work to the connection's thread, after its current work, and returns immediately. Thread-safe, also after the connection
    /// has ended.
    /// </summary>
    /// <param name="work">The work. It does not block; an exception is the transport's to log.</param>
    void Post(IThreadPoolWorkItem work);

    /// <summary>
    /// Detaches the connection from the server that accepted it. On success the connection middleware returns immediately, the
    /// server disposes the <c>ConnectionContext</c> and releases all state it kept for it (about half of the cost of an idle
    /// connection), and the caller continues to serve it and ends it with <see cref="DisposeDetachedAsync"/>. Called at most once, on
    /// the thread of the middleware.
    /// </summary>
    /// <returns>
    /// <c>false</c> if a component above needs the connection for its whole life: one that replaced its transport (TLS,
    /// connection logging), added a feature (the server's own metrics) or counts connections (the server's limit). Always
    /// <c>false</c> is correct for a transport that does not support it.
    /// </returns>
    bool TryDetach();

    /// <summary>Ends a detached connection: pending output is sent, then the socket is closed. Called once; only if detached.</summary>
    ValueTask DisposeDetachedAsync();
}
