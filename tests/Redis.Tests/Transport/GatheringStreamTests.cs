using Weir.Brokers.Redis.Transport;
using Weir.Testing;
using Xunit;

namespace Weir.Brokers.Redis.Tests.Transport;

public sealed class GatheringStreamTests
{
    [Fact]
    public async Task Writes_WhileASendIsInFlight_LeaveTogetherAndInOrder()
    {
        GatedStream inner = new();
        await using GatheringStream stream = new(inner);

        await stream.WriteAsync(new byte[] { 0 });
        await Bounded.Eventually(() => inner.Sends.Count == 1);
        for (byte i = 1; i <= 100; i++)
        {
            await stream.WriteAsync(new[] { i }).AsTask().Within(); // gathered: the call does not wait for the socket
        }

        inner.Gate.SetResult();
        await Bounded.Eventually(() => inner.Sends.Count == 2);

        Assert.Equal([0], inner.Sends[0]);
        Assert.Equal(Enumerable.Range(1, 100).Select(static i => (byte)i), inner.Sends[1]);
    }

    [Fact]
    public async Task Write_BeyondTheBound_WaitsForTheSocket()
    {
        GatedStream inner = new();
        await using GatheringStream stream = new(inner);
        await stream.WriteAsync(new byte[1]);
        await Bounded.Eventually(() => inner.Sends.Count == 1);

        Task beyond = stream.WriteAsync(new byte[(1 << 20) + 1]).AsTask();
        Assert.False(beyond.IsCompleted);
        inner.Gate.SetResult();

        await beyond.Within();
    }

    [Fact]
    public async Task Write_AfterASendFailed_ThrowsWhatItWas()
    {
        GatedStream inner = new();
        await using GatheringStream stream = new(inner);
        await stream.WriteAsync(new byte[1]);
        await Bounded.Eventually(() => inner.Sends.Count == 1);
        Task waiting = stream.WriteAsync(new byte[(2 << 20) + 1]).AsTask();

        inner.Gate.SetException(new InvalidOperationException("broken"));
        // The waiting write completes or fails, as the failure comes after or before its turn; the next one fails.
        await Task.WhenAny(waiting).Within();
        await Bounded.Eventually(() => stream.WriteAsync(new byte[1]).AsTask().IsFaulted);

        IOException error = await Assert.ThrowsAsync<IOException>(() => stream.WriteAsync(new byte[1]).AsTask().Within());
        Assert.Equal("broken", error.InnerException!.Message);
    }

    private sealed class GatedStream : MemoryStream
    {
        private readonly List<byte[]> _sends = [];

        public TaskCompletionSource Gate { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public IReadOnlyList<byte[]> Sends
        {
            get
            {
                lock (_sends)
                {
                    return [.. _sends];
                }
            }
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            lock (_sends)
            {
                _sends.Add(buffer.ToArray());
            }

            await Gate.Task;
        }
    }
}
