using System.IO.Pipelines;

namespace Weir.TestSupport;

/// <summary>A reader and a writer put together.</summary>
public sealed class DuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
{
    public PipeReader Input => input;

    public PipeWriter Output => output;
}
