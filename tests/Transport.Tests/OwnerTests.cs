using System.Buffers;
using System.IO.Pipelines;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Weir.Testing;
using Weir.Transports.Epoll.Tests.Sockets;
using Xunit;

namespace Weir.Transports.Epoll.Tests;

/// <summary>Reads whose owner is called when data arrives, instead of a task that waits for it.</summary>
public sealed class OwnerTests : IAsyncDisposable
{
    private readonly TestServer _server = new();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task OnInput_BytesCome_CalledOnTheLoopWithAllOfThem()
    {
        Peer peer = await _server.ConnectAsync(runsOnLoop: true);
        Owner owner = new(peer);
        for (int i = 0; i < 20; i++)
        {
            await peer.SendAsync(Pattern.Of(1000, i * 1000L));
            for (int seen = 0; seen < 1000;)
            {
                Call call = await owner.NextAsync();
                Assert.True(call.IsOnLoop);
                Pattern.AssertIs(call.Bytes, (i * 1000L) + seen);
                seen += call.Bytes.Length;
            }
        }
    }

    [Fact]
    public async Task TryRead_BytesWereLeftUnexamined_GivesThemAtOnce()
    {
        Peer peer = await _server.ConnectAsync(runsOnLoop: true);
        await peer.SendAsync(Pattern.Of(100));
        ReadResult result = await peer.ReadAsync(100);
        peer.Input.AdvanceTo(result.Buffer.GetPosition(40));

        Owner owner = new(peer);

        Call call = await owner.NextAsync();
        Pattern.AssertIs(call.Bytes, 40);
        Assert.Equal(60, call.Bytes.Length);
    }

    [Fact]
    public async Task OnInput_ClientEnds_IsCalledWithTheEnd()
    {
        Peer peer = await _server.ConnectAsync(runsOnLoop: true);
        Owner owner = new(peer);

        peer.Client.Dispose();

        Assert.True((await owner.NextAsync()).IsCompleted);
    }

    [Fact]
    public async Task OnInput_PendingReadCanceled_IsCalledOnTheLoopAndReadsOn()
    {
        Peer peer = await _server.ConnectAsync(runsOnLoop: true);
        Owner owner = new(peer);

        peer.Input.CancelPendingRead();
        Call canceled = await owner.NextAsync();
        Assert.True(canceled.IsCanceled);
        Assert.True(canceled.IsOnLoop);

        await peer.SendAsync(Pattern.Of(10));
        Pattern.AssertIs((await owner.NextAsync()).Bytes, 0);
    }

    [Fact]
    public async Task OnInput_Aborted_TheReadThrows()
    {
        Peer peer = await _server.ConnectAsync(runsOnLoop: true);
        Owner owner = new(peer);

        peer.Server.Abort(new ConnectionAbortedException("enough"));

        Assert.Equal("enough", Assert.IsType<ConnectionAbortedException>((await owner.NextAsync()).Error).Message);
    }

    [Fact]
    public async Task ReadAsync_AfterAnOwnersRead_IsATaskAgain()
    {
        Peer peer = await _server.ConnectAsync(runsOnLoop: true);
        Owner owner = new(peer, once: true);
        await peer.SendAsync(Pattern.Of(10));
        await owner.NextAsync();

        Task<byte[]> taking = peer.TakeAsync(10);
        await peer.SendAsync(Pattern.Of(10, 10));

        Pattern.AssertIs(await taking.Within(), 10);
    }

    // All connections of a loop share its thread: what one leaves in an AsyncLocal is not for the next.
    [Fact]
    public async Task OnInput_SetsAnAsyncLocal_OtherConnectionsDoNotSeeIt()
    {
        AsyncLocal<string> user = new();
        Peer first = await _server.ConnectAsync(runsOnLoop: true);
        Peer second = await _server.ConnectAsync(runsOnLoop: true);
        Owner sets = new(first, onInput: () => user.Value = "first's");
        string? seen = "";
        Owner sees = new(second, onInput: () => seen = user.Value);

        await first.SendAsync(new byte[1]);
        await sets.NextAsync();
        await second.SendAsync(new byte[1]);
        await sees.NextAsync();

        Assert.Null(seen);
    }

    private sealed record Call(byte[] Bytes, bool IsOnLoop, bool IsCompleted = false, bool IsCanceled = false, Exception? Error = null);

    /// <summary>Reads from its making on, unless for one time only.</summary>
    private sealed class Owner : IInputOwner
    {
        private readonly Channel<Call> _calls = Channel.CreateUnbounded<Call>();
        private readonly Action? _onInput;
        private readonly bool _once;

        public Owner(Peer peer, Action? onInput = null, bool once = false)
        {
            _onInput = onInput;
            _once = once;
            ReadOn((LoopReader)peer.Input);
        }

        public async Task<Call> NextAsync() => await _calls.Reader.ReadAsync().AsTask().Within();

        public void OnInput(LoopReader input)
        {
            _onInput?.Invoke();
            ReadOn(input);
        }

        private void ReadOn(LoopReader input)
        {
            bool continues = true;
            try
            {
                while (continues && input.TryRead(this, out ReadResult result))
                {
                    Call call = new(result.Buffer.ToArray(), LoopThread.Current is not null, result.IsCompleted, result.IsCanceled);
                    input.AdvanceTo(result.Buffer.End);
                    continues = !result.IsCompleted && !_once;
                    _calls.Writer.TryWrite(call);
                }
            }
            catch (Exception error)
            {
                _calls.Writer.TryWrite(new Call([], LoopThread.Current is not null, Error: error));
            }
        }
    }
}
