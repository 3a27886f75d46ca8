using System.Buffers;
using Weir.Brokers.Nats.Connection;
using Weir.Brokers.Nats.Wire;

namespace Weir.Brokers.Nats.Announcing;

/// <summary>This node's own probes, as the server announces them.</summary>
internal sealed class ProbeSubscription : IMessageHandler
{
    private readonly Lock _gate = new();
    private long _expected;
    private TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Returns a task that completes when this probe has arrived.</summary>
    public Task Expect(long number)
    {
        lock (_gate)
        {
            _expected = number;
            _arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _arrived.Task;
        }
    }

    public static ReadOnlyMemory<byte> Encode(long number)
    {
        RecordWriter writer = new(MessageType.Probe);
        writer.Write(number);
        return writer.Written;
    }

    public void OnMessage(string subject, string? replyTo, ReadOnlySequence<byte> header, ReadOnlySequence<byte> payload)
    {
        RecordReader reader = new(payload.ToArray());
        if (payload.Length != 2 + sizeof(long) || !reader.TryBegin(out MessageType type) || type != MessageType.Probe)
        {
            return; // another message on the subject leaves the probe missing
        }

        lock (_gate)
        {
            if (reader.ReadInt64() == _expected)
            {
                _arrived.TrySetResult();
            }
        }
    }
}
