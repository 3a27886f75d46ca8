using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Weir.Testing;
using Weir.Transports.Epoll.Tests.Sockets;
using Xunit;

namespace Weir.Transports.Epoll.Tests;

/// <summary>Code of a connection that keeps the loop's thread.</summary>
public sealed class HandOffTests : IAsyncDisposable
{
    private readonly TestServer _server = new(loops: 1, handOffAfter: TimeSpan.FromMilliseconds(20));
    private readonly ManualResetEventSlim _release = new();

    public async ValueTask DisposeAsync()
    {
        _release.Set();
        await _server.DisposeAsync();
        _release.Dispose();
    }

    [Fact]
    public async Task Loop_HandlerBlocks_OthersAreServedAndTheHandlerContinues()
    {
        Peer blocked = await _server.ConnectAsync(runsOnLoop: true);
        Peer other = await _server.ConnectAsync(runsOnLoop: true);
        Task blocking = BlockAsync(blocked);
        Task echoing = LoopBufferTests.EchoAsync(other);
        await blocked.SendAsync(Pattern.Of(1000));

        for (int i = 0; i < 20; i++)
        {
            await other.SendAsync(Pattern.Of(1000, i * 1000L));
            Pattern.AssertIs(await other.ReceiveAsync(1000), i * 1000L);
        }

        Assert.False(blocking.IsCompleted);
        AssertHandedOffOnce(blocked);

        _release.Set();
        Pattern.AssertIs(await blocked.ReceiveAsync(1000), 0);
        await blocked.SendAsync(Pattern.Of(10, 1000));
        Pattern.AssertIs(await blocked.ReceiveAsync(10), 1000);
        blocked.Client.Dispose();
        other.Client.Dispose();
        await blocking.Within();
        await echoing.Within();
        AssertHandedOffOnce(blocked);
    }

    // The thread has lost the loop without having noticed it: the work must wake the thread that has it.
    [Fact]
    public async Task Loop_BlockedHandlerEndsAnotherConnection_ItIsClosedAtOnce()
    {
        Peer blocked = await _server.ConnectAsync(runsOnLoop: true);
        Peer other = await _server.ConnectAsync(runsOnLoop: true);
        using ManualResetEventSlim first = new();
        Task blocking = EndOtherAsync();
        await blocked.SendAsync(new byte[1]);
        await Bounded.Eventually(() => HandOffsOf(blocked) == 1);

        first.Set();

        Assert.True(await other.ReceivesEndAsync());
        Assert.False(blocking.IsCompleted);
        _release.Set();
        await blocking.Within();

        async Task EndOtherAsync()
        {
            await blocked.Input.ReadAsync();
            first.Wait(Bounded.DefaultLimit);
            ValueTask ending = other.Server.DisposeAsync();
            _release.Wait(Bounded.DefaultLimit * 2);
            await ending;
        }
    }

    [Fact]
    public async Task Loop_EveryHandlerBlocks_EachIsHandedOff()
    {
        Peer[] blocked = new Peer[5];
        Task[] blocking = new Task[blocked.Length];
        for (int i = 0; i < blocked.Length; i++)
        {
            blocked[i] = await _server.ConnectAsync(runsOnLoop: true);
            blocking[i] = BlockAsync(blocked[i]);
        }

        foreach (Peer peer in blocked)
        {
            await peer.SendAsync(new byte[1]);
        }

        await Bounded.Eventually(() => blocked.All(peer => HandOffsOf(peer) == 1));
        Assert.InRange(_server.Transport.HandOffs, blocked.Length, int.MaxValue);
        Peer late = await _server.ConnectAsync(runsOnLoop: true);
        Task echoing = LoopBufferTests.EchoAsync(late);
        await late.SendAsync(new byte[3]);
        await late.ReceiveAsync(3);

        _release.Set();
        foreach (Peer peer in blocked)
        {
            peer.Client.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        }

        late.Client.Dispose();
        await Task.WhenAll([.. blocking, echoing]).Within();
    }

    [Fact]
    public async Task Loop_ContinuationThrows_LoggedAndTheLoopContinues()
    {
        Peer thrower = await _server.ConnectAsync(runsOnLoop: true);
        Peer other = await _server.ConnectAsync(runsOnLoop: true);
        ConfiguredValueTaskAwaitable<ReadResult>.ConfiguredValueTaskAwaiter waiting = ThrowAfter(thrower.Input.ReadAsync());
        await thrower.SendAsync(Pattern.Of(1000));
        await Bounded.Eventually(() => _server.Log.Of("LoopCallbackFailed").Count == 1);

        Task echoing = LoopBufferTests.EchoAsync(other);
        await other.SendAsync(new byte[1000]);
        await other.ReceiveAsync(1000);

        ReadResult result = ResultOf(waiting); // its bytes are still its own
        Pattern.AssertIs(result.Buffer.FirstSpan, 0);
        thrower.Input.AdvanceTo(result.Buffer.End);
        other.Client.Dispose();
        await echoing.Within();
    }

    // The buffer was then its own and the loop's at once: given back twice, and lent to two connections.
    [Fact]
    public async Task Loop_BlockedReaderIsServedByTheNextThread_ItsBufferStaysThatThreads()
    {
        Peer peer = await _server.ConnectAsync(runsOnLoop: true);
        using ManualResetEventSlim endRead = new();
        BlockingOwner owner = new(peer, _release, endRead);
        await peer.SendAsync(new byte[1]);
        await owner.Blocked.Within(); // its read is over, and the next one waits
        await Bounded.Eventually(() => HandOffsOf(peer) == 1);
        await peer.SendAsync(new byte[1]);
        await owner.Reading.Within(); // in the buffer of the thread that has the loop now

        _release.Set();
        Assert.True(owner.BlockedThread!.Join(Bounded.DefaultLimit));
        endRead.Set();

        await Bounded.Eventually(() => _server.Arrays.Outstanding <= 1); // what the loop's thread receives into
    }

    private async Task BlockAsync(Peer peer)
    {
        bool hasBlocked = false;
        while (true)
        {
            ReadResult result = await peer.Input.ReadAsync();
            if (!hasBlocked)
            {
                hasBlocked = true;
                Assert.NotNull(LoopThread.Current);
                Assert.True(_release.Wait(Bounded.DefaultLimit * 2));
            }

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

    private static ConfiguredValueTaskAwaitable<ReadResult>.ConfiguredValueTaskAwaiter ThrowAfter(ValueTask<ReadResult> read)
    {
        ConfiguredValueTaskAwaitable<ReadResult>.ConfiguredValueTaskAwaiter awaiter = read.ConfigureAwait(false).GetAwaiter();
        awaiter.UnsafeOnCompleted(static () => throw new InvalidOperationException("thrown by a test"));
        return awaiter;
    }

    private static ReadResult ResultOf(ConfiguredValueTaskAwaitable<ReadResult>.ConfiguredValueTaskAwaiter completed)
        => completed.GetResult();

    private int HandOffsOf(Peer peer)
        => _server.Log.Of("LoopHandedOff").Count(record => Equals(record.Values["ConnectionId"], peer.Server.ConnectionId));

    // On a busy machine others may be taken over too; the blocked one is, and once.
    private void AssertHandedOffOnce(Peer blocked)
    {
        Assert.Equal(1, HandOffsOf(blocked));
        Assert.Equal(_server.Log.Of("LoopHandedOff").Count, _server.Transport.HandOffs);
    }

    /// <summary>Ends its first read, waits for the next, and blocks; then it is in the middle of the next.</summary>
    private sealed class BlockingOwner : IInputOwner
    {
        private readonly ManualResetEventSlim _release;
        private readonly ManualResetEventSlim _endRead;
        private readonly TaskCompletionSource _blocked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _reading = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public BlockingOwner(Peer peer, ManualResetEventSlim release, ManualResetEventSlim endRead)
        {
            _release = release;
            _endRead = endRead;
            Assert.False(((LoopReader)peer.Input).TryRead(this, out _));
        }

        public Task Blocked => _blocked.Task;

        public Task Reading => _reading.Task;

        public Thread? BlockedThread { get; private set; }

        public void OnInput(LoopReader input)
        {
            Assert.True(input.TryRead(this, out ReadResult result));
            if (BlockedThread is not null)
            {
                _reading.SetResult();
                _endRead.Wait(Bounded.DefaultLimit);
                input.AdvanceTo(result.Buffer.End);
                return;
            }

            BlockedThread = Thread.CurrentThread;
            input.AdvanceTo(result.Buffer.End);
            Assert.False(input.TryRead(this, out _));
            _blocked.SetResult();
            _release.Wait(Bounded.DefaultLimit);
        }
    }
}
