using System.IO.Pipelines;

namespace Weir.Connections;

/// <summary>
/// The input of a connection that a transport's thread serves. Beside what every <see cref="PipeReader"/> does, it calls its owner
/// when there is something to read. So a connection that waits keeps no state machine for it, nor what a task would need.
/// </summary>
internal abstract class LoopReader : PipeReader
{
    /// <summary>
    /// Gives what has arrived and was not looked at yet, as <see cref="PipeReader.TryRead"/> does; else has the owner called on the
    /// connection's thread, once, when there is more. A read like any other: one at a time, each ended by AdvanceTo.
    /// </summary>
    /// <exception cref="IOException">The connection has failed; or <see cref="OperationCanceledException"/>, it was aborted on this side.</exception>
    public abstract bool TryRead(IInputOwner owner, out ReadResult result);
}

/// <summary>Who reads a <see cref="LoopReader"/>.</summary>
internal interface IInputOwner
{
    /// <summary>There is something to read. It must not block, nor throw.</summary>
    void OnInput(LoopReader input);
}
