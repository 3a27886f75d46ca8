using System.Text;
using Weir.Handshake;
using Weir.Limits;
using Weir.Protocol;
using Weir.Protocols.Centrifugo.Applications;
using Weir.Protocols.Centrifugo.Protocol;
using Weir.Protocols.Centrifugo.Sessions;
using Weir.Protocols.Centrifugo.Tests.Sessions;
using Weir.Relay.Access;
using Weir.Relay.Nodes;
using Weir.Relay.Streams;
using Weir.Testing;
using Xunit;

namespace Weir.Protocols.Centrifugo.Tests.Streams;

/// <summary>Sessions of clients that have no WebSocket.</summary>
public sealed class StreamSessionTests
{
    [Theory]
    [InlineData(StreamForm.Events, ":\n\n", "data: ", "\n\n")]
    [InlineData(StreamForm.Lines, "", "", "\n")]
    public async Task Commands_AreAnsweredOnTheStream(object form, string preface, string before, string after)
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        await using Stream client = new(world, (StreamForm)form);

        client.Send("""{"id":1,"connect":{}}""");
        await client.ReceivesAsync(preface + before
            + $$$"""{"id":1,"connect":{"client":"node-s","version":"0.1.0","ping":25,"session":"secret","node":"{{{world.Node.NodeId}}}"}}"""
            + after);
        Assert.True(await world.Node.PassOnAsync(world.Node.NodeId, "secret", """{"id":2,"subscribe":{"channel":"a"}}"""u8.ToArray()));
        await client.ReceivesAsync(before + """{"id":2,"subscribe":{}}""" + after);
        await world.PublishAsync("a", """{"x":1}""");
        await client.ReceivesAsync(before + TestClient.Push("a", "pub", """{"data":{"x":1}}""") + after);
        client.Send("""{"id":3,"unsubscribe":{"channel":"a"}}""" + "\n" + """{"id":4,"unsubscribe":{"channel":"a"}}""");
        await client.ReceivesAsync(before + """{"id":3,"unsubscribe":{}}""" + "\n" + before + """{"id":4,"unsubscribe":{}}""" + after);

        world.Hub.Disconnect(new Disconnection("", "node-s", (CloseCode)3503, "force disconnect"));
        await client.ReceivesAsync(before + """{"push":{"disconnect":{"code":3503,"reason":"force disconnect"}}}""" + after);
        await client.EndsAsync();
        Assert.False(await world.Node.PassOnAsync(world.Node.NodeId, "secret", "{}"u8.ToArray()));
    }

    [Fact]
    public async Task StreamsAndConnections_ReceiveTheSame_InTheSameOrder()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        TestClient socket = await world.SubscribeAsync("kept:a");
        await using Stream stream = new(world, StreamForm.Lines);
        stream.Send("""{"id":1,"connect":{}}""" + "\n" + """{"id":2,"subscribe":{"channel":"kept:a"}}""");
        await Bounded.Eventually(() => stream.Received.Contains("\"id\":2", StringComparison.Ordinal));

        StringBuilder expected = new();
        for (int i = 1; i <= 200; i++)
        {
            await world.PublishAsync("kept:a", $"{i}");
            string push = TestClient.Push("kept:a", "pub", $$$"""{"data":{{{i}}},"offset":{{{i}}}}""");
            expected.Append(push).Append('\n');
            Assert.Equal(push, await socket.ReadAsync());
        }

        await Bounded.Eventually(() => stream.Received.EndsWith("\n" + expected, StringComparison.Ordinal));
        await stream.DisconnectAsync();
        await Bounded.Eventually(() => world.Node.Rooms.Single().Listeners == 1);
    }

    [Fact]
    public async Task ClientThatIsRefused_IsNotifiedOnTheStream()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        world.Access.OnConnect = static _ => ConnectResult.Refuse(AccessRefusal.Invalid);
        await using Stream client = new(world, StreamForm.Lines);

        client.Send("""{"id":1,"connect":{"token":"bad"}}""");

        await client.ReceivesAsync("""{"push":{"disconnect":{"code":3500,"reason":"invalid token"}}}""" + "\n");
        await client.EndsAsync();
    }

    [Fact]
    public async Task SessionThatExpires_Ends()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        world.Access.OnConnect = _ => ConnectResult.Allow(new ClientIdentity { ExpiresAt = world.Time.GetUtcNow().AddSeconds(5) });
        await using Stream client = new(world, StreamForm.Lines);
        client.Send("""{"id":1,"connect":{}}""");
        await Bounded.Eventually(() => client.Received.Contains("\"ttl\":5", StringComparison.Ordinal));

        await Bounded.Eventually(() =>
        {
            world.Wait(TimeSpan.FromSeconds(1));
            return client.Received.EndsWith("""{"push":{"disconnect":{"code":3005,"reason":"connection expired"}}}""" + "\n",
                StringComparison.Ordinal);
        });
        await client.EndsAsync();
        Assert.Equal(0, world.Hub.Node.Calendar.Count);
    }

    [Fact]
    public async Task ClientThatSendsTooMuchAtOnce_IsEnded()
    {
        TaskCompletionSource release = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync(application: new SlowApplication(release.Task));
        await using Stream client = new(world, StreamForm.Lines);
        client.Send("""{"id":1,"connect":{}}""" + "\n" + """{"id":2,"rpc":{}}""");

        for (int i = 0; i <= StreamSession.MaxWaiting + 1; i++)
        {
            client.Send("""{"id":3,"rpc":{}}""");
        }

        await Bounded.Eventually(() => client.Received.EndsWith(
            """{"push":{"disconnect":{"code":3013,"reason":"too many requests"}}}""" + "\n", StringComparison.Ordinal));
        release.SetResult();
        await client.EndsAsync();
    }

    [Fact]
    public async Task MessagesPerSecond_HoldForTheCommandsOfAStream()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        RawMember member = await RawMember.JoinAsync(world, "a");
        await using Stream client =
            new(world, StreamForm.Lines, new InboundOptions { MessagesPerSecond = 5, Burst = TimeSpan.FromSeconds(1) });
        client.Send("""{"id":1,"connect":{}}""");

        for (int i = 1; i <= 100; i++)
        {
            client.Send($$$"""{"id":{{{i + 1}}},"publish":{"channel":"a","data":{{{i}}}}}""");
        }

        await Bounded.Eventually(() => client.Received.EndsWith(
            """{"push":{"disconnect":{"code":3013,"reason":"too many requests"}}}""" + "\n", StringComparison.Ordinal));
        await client.EndsAsync();
        await member.ReceivesAsync("1", "2", "3", "4"); // the connect was the fifth
    }

    [Fact]
    public async Task BytesPerSecond_HoldForTheCommandsOfAStream()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        await using Stream client =
            new(world, StreamForm.Lines, new InboundOptions { BytesPerSecond = 500, Burst = TimeSpan.FromSeconds(1) });
        client.Send("""{"id":1,"connect":{}}""");
        await Bounded.Eventually(() => client.Received.Contains("\"id\":1", StringComparison.Ordinal));

        client.Send($$$"""{"id":2,"rpc":{"data":"{{{new string('x', 500)}}}"}}""");

        await Bounded.Eventually(() => client.Received.EndsWith(
            """{"push":{"disconnect":{"code":3013,"reason":"too many requests"}}}""" + "\n", StringComparison.Ordinal));
        await client.EndsAsync();
    }

    private sealed class SlowApplication(Task until) : CentrifugoApplication
    {
        public override async ValueTask<RpcReply> OnRpcAsync(CentrifugoSession client, string method, ReadOnlyMemory<byte> data)
        {
            await until;
            return RpcReply.MethodNotFound;
        }
    }

    /// <summary>A session with the id "node-s" and the secret "secret", and what it is sent.</summary>
    private sealed class Stream : IAsyncDisposable
    {
        private readonly StallingPipeWriter _output = new();
        private readonly CancellationTokenSource _disconnected = new();
        private readonly StreamSession _session;
        private readonly Task _running;
        private int _at;

        public Stream(CentrifugoWorld world, StreamForm form, InboundOptions? limits = null)
        {
            StreamSettings settings = new(
                world.Hub.Node,
                closeAtBytes: 1_000_000,
                heartbeatInterval: TimeSpan.Zero,
                maxDelay: TimeSpan.FromSeconds(10),
                form == StreamForm.Lines ? [] : null,
                StreamForms.Format(form, world.Hub.Form.Ping.Span));
            ResponseStream stream = new("node-s", _output, static () => { }, settings);
            UpgradeRequest request = UpgradeRequest.FromHttp("GET", "/connection/sse", []);
            InboundLimit? limit = (limits ?? new InboundOptions()).CreateLimit(CentrifugoHub.RateTick);
            _session = new StreamSession(world.Hub, "secret", stream, form, TimeSpan.FromSeconds(25), request, limit);
            world.Hub.Streams["secret"] = _session;
            _running = RunAsync(world, stream);
        }

        public string Received => Encoding.UTF8.GetString(_output.Sent);

        public void Send(string frame) => _session.Take(Encoding.UTF8.GetBytes(frame));

        /// <summary>Waits for exactly this as the next.</summary>
        public async Task ReceivesAsync(string text)
        {
            await Bounded.Eventually(() => Received.Length >= _at + text.Length, what: $"received {text}");
            Assert.Equal(text, Received.Substring(_at, text.Length));
            _at += text.Length;
        }

        public Task EndsAsync() => _running.Within();

        public async Task DisconnectAsync()
        {
            await _disconnected.CancelAsync();
            await EndsAsync();
        }

        public async ValueTask DisposeAsync()
        {
            await DisconnectAsync();
            _disconnected.Dispose();
        }

        private async Task RunAsync(CentrifugoWorld world, ResponseStream stream)
        {
            try
            {
                await stream.RunAsync(_disconnected.Token);
            }
            catch (OperationCanceledException)
            {
                // The client has disconnected.
            }
            finally
            {
                world.Hub.Streams.TryRemove("secret", out _);
                await _session.EndAsync();
            }
        }
    }
}
