using System.IO.Pipelines;

namespace Weir.Testing;

/// <summary>A reader and a writer put together.</summary>
public sealed class DuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
{
    /// <inheritdoc/>
    public PipeReader Input => input;

    /// <inheritdoc/>
    public PipeWriter Output => output;
}
