using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Weir.Bench.Transport;

/// <summary>A client that accepts everything immediately and never sends: tens of thousands of these fit in a benchmark.</summary>
internal sealed class SinkConnection : ConnectionContext, IDuplexPipe
{
    private static readonly PipeReader _silence = PipeReader.Create(ReadOnlySequence<byte>.Empty);

    public SinkWriter Sink { get; } = new();

    public override string ConnectionId { get; set; } = "sink";

    public override IFeatureCollection Features { get; } = new FeatureCollection();

    public override IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();

    public override IDuplexPipe Transport
    {
        get => this;
        set => throw new NotSupportedException("A sink has no other transport.");
    }

    PipeReader IDuplexPipe.Input => _silence;

    PipeWriter IDuplexPipe.Output => Sink;
}
