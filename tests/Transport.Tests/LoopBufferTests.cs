using System.Buffers;
using System.IO.Pipelines;
using Weir.Testing;
using Weir.Transports.Epoll.Tests.Sockets;
using Xunit;

namespace Weir.Transports.Epoll.Tests;

/// <summary>The buffer that all connections of a loop receive into, and readers that keep it.</summary>
public sealed class LoopBufferTests : IAsyncDisposable
{
    private readonly TestServer _server = new();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task ReadAsync_ContinuedOnAnotherThread_KeepsItsBytesWhileOthersReceive()
    {
        const int Count = 1000;
        Peer keeper = await _server.ConnectAsync(runsOnLoop: true);
        Peer other = await _server.ConnectAsync(runsOnLoop: true);
        TaskCompletionSource gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource<bool> holds = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<byte[]> keeping = KeepAsync();
        Task echoing = EchoAsync(other);
        await keeper.SendAsync(Pattern.Of(Count));
        Assert.True(await holds.Task.Within());

        for (int i = 0; i < 20; i++)
        {
            byte[] message = [.. Enumerable.Repeat((byte)i, Count)];
            await other.SendAsync(message);
            Assert.Equal(message, await other.ReceiveAsync(Count));
        }

        gate.SetResult();
        Pattern.AssertIs(await keeping.Within(), 0);
        other.Client.Dispose();
        await echoing.Within();

        async Task<byte[]> KeepAsync()
        {
            ReadResult result = await keeper.Input.ReadAsync();
            holds.SetResult(LoopThread.Current is not null);
            await gate.Task;
            byte[] copy = result.Buffer.ToArray();
            keeper.Input.AdvanceTo(result.Buffer.End);
            return copy;
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(500)]
    [InlineData(999)]
    public async Task AdvanceTo_LeavesAPart_PartIsKeptWhileOthersReceive(int consumed)
    {
        const int Count = 1000;
        Peer keeper = await _server.ConnectAsync(runsOnLoop: true);
        Peer other = await _server.ConnectAsync(runsOnLoop: true);
        TaskCompletionSource<bool> left = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<byte[]> keeping = KeepAsync();
        Task echoing = EchoAsync(other);
        await keeper.SendAsync(Pattern.Of(Count));
        Assert.True(await left.Task.Within());

        byte[] message = [.. Enumerable.Repeat((byte)255, Count)];
        await other.SendAsync(message);
        Assert.Equal(message, await other.ReceiveAsync(Count));
        await keeper.SendAsync(Pattern.Of(Count, Count));

        byte[] rest = await keeping.Within();
        Pattern.AssertIs(rest, consumed);
        Assert.Equal((2 * Count) - consumed, rest.Length);
        other.Client.Dispose();
        await echoing.Within();

        async Task<byte[]> KeepAsync()
        {
            ReadResult result = await keeper.Input.ReadAsync();
            while (result.Buffer.Length < Count)
            {
                keeper.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                result = await keeper.Input.ReadAsync();
            }

            keeper.Input.AdvanceTo(result.Buffer.GetPosition(consumed), result.Buffer.End);
            left.SetResult(LoopThread.Current is not null);
            result = await keeper.Input.ReadAsync();
            while (result.Buffer.Length < (2 * Count) - consumed)
            {
                keeper.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                result = await keeper.Input.ReadAsync();
            }

            byte[] bytes = result.Buffer.ToArray();
            keeper.Input.AdvanceTo(result.Buffer.End);
            return bytes;
        }
    }

    // A busy connection always leaves the beginning of its next message: it must not be served in pieces of that size from then on.
    [Fact]
    public async Task ReadAsync_APartWasLeft_ReceivesAsMuchAsIsThere()
    {
        const int Part = 900;
        const int Much = 50_000; // within what a new socket takes unread
        Peer peer = await _server.ConnectAsync(runsOnLoop: true);
        TaskCompletionSource left = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<byte[]> reading = ReadAsync();
        await peer.SendAsync(Pattern.Of(Part));
        await left.Task.Within();
        using Hold hold = new();
        peer.Server.Post(hold);
        await hold.Begun.Within();

        await peer.SendAsync(Pattern.Of(Much, Part));
        await Bounded.Eventually(() => peer.Server.HasUnreadInput);
        hold.Dispose();

        byte[] second = await reading.Within();
        Assert.Equal(Part + Much, second.Length);
        Pattern.AssertIs(second, 0);

        async Task<byte[]> ReadAsync()
        {
            ReadResult result = await peer.Input.ReadAsync();
            while (result.Buffer.Length < Part)
            {
                peer.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                result = await peer.Input.ReadAsync();
            }

            peer.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            left.SetResult();
            result = await peer.Input.ReadAsync();
            byte[] bytes = result.Buffer.ToArray();
            peer.Input.AdvanceTo(result.Buffer.End);
            return bytes;
        }
    }

    [Fact]
    public async Task ReadAsync_OnTheLoop_IdleConnectionHoldsNoBuffer()
    {
        Peer peer = await _server.ConnectAsync(runsOnLoop: true);
        Task echoing = EchoAsync(peer);
        for (int i = 0; i < 10; i++)
        {
            await peer.SendAsync(Pattern.Of(100));
            Pattern.AssertIs(await peer.ReceiveAsync(100), 0);
        }

        Assert.Equal(1, _server.Arrays.Outstanding); // the loop's own
        peer.Client.Dispose();
        await echoing.Within();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ReadAsync_MoreThanTheBufferAtOnce_EchoedWhole(bool runsOnLoop)
    {
        const int Count = 3 * 1024 * 1024;
        Peer peer = await _server.ConnectAsync(runsOnLoop);
        Task echoing = EchoAsync(peer);

        Task sending = peer.SendAsync(Pattern.Of(Count));
        Assert.Equal(Count, await peer.ReceivePatternAsync(Count));
        await sending;
        peer.Client.Dispose();
        await echoing.Within();
    }

    internal static async Task EchoAsync(Peer peer)
    {
        while (true)
        {
            ReadResult result = await peer.Input.ReadAsync();
            foreach (ReadOnlyMemory<byte> part in result.Buffer)
            {
                await peer.Output.WriteAsync(part);
            }

            peer.Input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                return;
            }
        }
    }

    /// <summary>Keeps a loop from what has arrived until it is disposed.</summary>
    private sealed class Hold : IThreadPoolWorkItem, IDisposable
    {
        private readonly ManualResetEventSlim _over = new();
        private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Begun => _begun.Task;

        public void Execute()
        {
            _begun.SetResult();
            _over.Wait(TimeSpan.FromSeconds(30));
        }

        public void Dispose() => _over.Set();
    }
}
