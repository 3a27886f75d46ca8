using System.IO.Pipelines;

namespace Weir.Transports;

/// <summary>
/// The input of a connection that a transport's thread serves. Beyond every <see cref="PipeReader"/>'s operations, it calls its
/// owner when there is input. So a waiting connection keeps neither a state machine nor a task for it.
/// </summary>
internal abstract class LoopReader : PipeReader
{
    /// <summary>
    /// Returns the input that has arrived and was not examined yet, as <see cref="PipeReader.TryRead"/> does; otherwise the owner
    /// is called on the connection's thread, once, when there is more. As with any reader, one read at a time, each ended by
    /// AdvanceTo.
    /// </summary>
    /// <exception cref="IOException">The connection has failed.</exception>
    /// <exception cref="OperationCanceledException">The connection was aborted on this side.</exception>
    public abstract bool TryRead(IInputOwner owner, out ReadResult result);
}

/// <summary>The reader of a <see cref="LoopReader"/>.</summary>
internal interface IInputOwner
{
    /// <summary>Called when there is input. It must not block, nor throw.</summary>
    void OnInput(LoopReader input);
}
