using System.Net;

namespace Weir.Extensions.Tests.LoopTransport;

/// <summary>An address of the transport: a name within the process.</summary>
internal sealed class MemoryEndPoint(string name) : EndPoint
{
    public string Name => name;

    public override string ToString() => name;
}
