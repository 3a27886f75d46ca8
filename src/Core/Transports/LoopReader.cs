using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;

namespace Weir.Transports;

/// <summary>
/// The input of a connection that a transport's thread serves. Beyond every <see cref="PipeReader"/>'s operations, it calls its
/// owner when there is input. So a waiting connection keeps neither a state machine nor a task for it.
/// </summary>
/// <remarks>
/// The counterpart of <see cref="ILoopThreadFeature"/>: the engine uses it for connections that were detached. Until then, and for
/// every other caller, it is an ordinary <see cref="PipeReader"/>. As with any reader, one read at a time, each ended by
/// <see cref="PipeReader.AdvanceTo(SequencePosition)"/>; <see cref="PipeReader.Complete"/> ends the wait, and the owner is not called
/// afterwards.
/// </remarks>
[Experimental("WEIR001")]
public abstract class LoopReader : PipeReader
{
    /// <summary>
    /// Returns the input that has arrived and was not examined yet, as <see cref="PipeReader.TryRead"/> does; otherwise the owner
    /// is called on the connection's thread, once, when there is more: input, its end, a failure or a cancellation, which the next
    /// call returns or throws.
    /// </summary>
    /// <param name="owner">The object to call.</param>
    /// <param name="result">The input; default if there is none.</param>
    /// <returns><c>false</c> if there is none: the owner will be called.</returns>
    /// <exception cref="IOException">The connection has failed.</exception>
    /// <exception cref="OperationCanceledException">The connection was aborted on this side.</exception>
    public abstract bool TryRead(IInputOwner owner, out ReadResult result);
}
