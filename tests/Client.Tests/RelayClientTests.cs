using System.Text;
using Microsoft.Extensions.Time.Testing;
using Weir.Client.Events;
using Weir.Client.Receiving;
using Weir.Client.Sending;
using Weir.Client.Tests.Fakes;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Client.Tests;

public sealed class RelayClientTests : IAsyncLifetime
{
    private static readonly TimeSpan _second = TimeSpan.FromSeconds(1);

    private readonly FakeTimeProvider _time = new();
    private readonly FakeTransport _transport;
    private readonly RelayClientOptions _options;
    private RelayClient? _client;
    private Listening<ClientEvent>? _events;

    public RelayClientTests()
    {
        _transport = new FakeTransport { Time = _time };
        _options = new RelayClientOptions { Transport = _transport, TimeProvider = _time, NextRandom = static () => 0 };
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_client is not null)
        {
            await _client.DisposeAsync().AsTask().Within();
        }
    }

    [Fact]
    public async Task Message_IsReceivedAndSent()
    {
        (FakeConnection server, Listening<ClientEvent> events) = await ConnectAsync();

        server.SendToClient("hello");
        MessageReceived received = await events.NextAsync<MessageReceived>();
        DeliveryResult sent = await _client!.SendAsync("hello back").Within();

        Assert.Equal(("hello", true), (received.Message.Text, received.Message.IsText));
        Assert.Equal(Delivery.Written, sent.Delivery);
        Assert.Equal("hello back", await server.ReceiveFromClientAsync());
        Assert.Equal(ClientState.Connected, _client.State);
    }

    [Theory]
    [InlineData("ws://host/ws", "ws://host/ws?room=a%26b&room=c%20d")]
    [InlineData("wss://host:8443/ws?token=t", "wss://host:8443/ws?token=t&room=a%26b&room=c%20d")]
    public async Task Rooms_AreInTheQuery(string endpoint, string expected)
    {
        _client = new RelayClient(new Uri(endpoint), ["a&b", "c d"], _options);
        _client.Start();
        await _transport.AcceptAsync();

        Assert.Equal(expected, _transport.LastRequest!.Address.AbsoluteUri);
    }

    [Fact]
    public void Endpoint_ThatIsNoWebSocket_IsRefused()
        => Assert.Throws<ArgumentException>(() => new RelayClient(new Uri("http://host/ws"), "room"));

    [Fact]
    public async Task LostConnection_ReconnectsAfterTheDelay()
    {
        (FakeConnection server, Listening<ClientEvent> events) = await ConnectAsync();

        server.End(new ConnectionEnd(EndKind.ConnectionLost));
        Disconnected lost = await events.NextAsync<Disconnected>();
        Assert.Equal((EndKind.ConnectionLost, _second), (lost.End.Kind, lost.RetryIn));
        Assert.Equal(ClientState.Waiting, _client!.State);
        _time.Advance(_second - TimeSpan.FromTicks(1));
        Assert.Equal(1, _transport.Attempts);
        _time.Advance(TimeSpan.FromTicks(1));

        await _transport.AcceptAsync();
        Assert.Equal(1, (await events.NextAsync<Connected>()).Attempts);
    }

    [Fact]
    public async Task Attempts_ThatFail_WaitLongerAndAreCounted()
    {
        _transport.Failure = new ConnectionEnd(EndKind.Unreachable);
        Listening<ClientEvent> events = Start();
        for (int n = 0; n < 3; n++)
        {
            Assert.Equal(_second * (1 << n), (await events.NextAsync<Disconnected>()).RetryIn);
            _transport.Failure = n == 2 ? null : _transport.Failure;
            _time.Advance(_second * (1 << n));
        }

        Assert.Equal(4, (await events.NextAsync<Connected>()).Attempts);
    }

    // A server that accepts each connection and fails at once must not be tried every second.
    [Theory]
    [InlineData(9, 2)]
    [InlineData(10, 1)]
    public async Task Count_BeginsAnewOnlyAfterAConnectionThatWasStable(int lasted, int nextDelay)
    {
        (FakeConnection server, Listening<ClientEvent> events) = await ConnectAsync();
        server.End(new ConnectionEnd(EndKind.ConnectionLost));
        await events.NextAsync<Disconnected>();
        _time.Advance(_second);
        FakeConnection second = await _transport.AcceptAsync();
        await events.NextAsync<Connected>();

        _time.Advance(_second * lasted);
        second.End(new ConnectionEnd(EndKind.ConnectionLost));

        Assert.Equal(_second * nextDelay, (await events.NextAsync<Disconnected>()).RetryIn);
    }

    [Theory]
    [InlineData(1008, "too many messages")]
    [InlineData(4500, "banned")]
    public async Task TerminalClose_StopsWithTheReason(int code, string reason)
    {
        (FakeConnection server, Listening<ClientEvent> events) = await ConnectAsync();

        server.Close(code, reason);

        Closed closed = await events.NextAsync<Closed>();
        Assert.Equal((code, reason), (closed.End.CloseCode, closed.End.Reason));
        await events.EndsAsync();
        Assert.Equal(closed.End, await _client!.Completion.Within());
        Assert.Equal(ClientState.Closed, _client.State);
        DeliveryResult late = await _client.SendAsync("late").Within();
        Assert.Equal((Delivery.Failed, $"closed by the server with {code}: {reason}"), (late.Delivery, late.Reason));
    }

    [Fact]
    public async Task ShouldReturn_DecidesOtherwise()
    {
        List<bool> asked = [];
        _options.Reconnect.ShouldReturn = (end, returns) =>
        {
            asked.Add(returns);
            return end.CloseCode == 1008;
        };
        (FakeConnection server, Listening<ClientEvent> events) = await ConnectAsync();

        server.Close(1008);
        await events.NextAsync<Disconnected>();
        _time.Advance(_second);
        (await _transport.AcceptAsync()).Close(1001);

        await events.NextAsync<Connected>();
        await events.NextAsync<Closed>();
        Assert.Equal([false, true], asked);
    }

    [Fact]
    public async Task ServerThatDoesNotAnswerTheUpgrade_IsLeftAfterTheTimeout()
    {
        _transport.Hangs = true;
        Listening<ClientEvent> events = Start();
        await Bounded.Eventually(() => _transport.Attempts == 1);

        _time.Pass(_options.ConnectTimeout);

        Assert.Equal(EndKind.TimedOut, (await events.NextAsync<Disconnected>()).End.Kind);
    }

    [Fact]
    public async Task Token_IsRequestedOnce_AndAgainWhenItIsRefused()
    {
        int asked = 0;
        _options.GetToken = _ => ValueTask.FromResult<string?>($"token{++asked}");
        (FakeConnection server, Listening<ClientEvent> events) = await ConnectAsync();
        Assert.Equal("token1", _transport.LastRequest!.Token);

        server.Close(1001);
        await events.NextAsync<Disconnected>();
        _time.Advance(_second);
        FakeConnection second = await _transport.AcceptAsync();
        Assert.Equal("token1", _transport.LastRequest.Token);
        await events.NextAsync<Connected>();
        second.Close(4401, "token expired");
        TimeSpan delay = (await events.NextAsync<Disconnected>()).RetryIn;
        _time.Advance(delay);
        await _transport.AcceptAsync();

        Assert.Equal("token2", _transport.LastRequest.Token);
    }

    [Fact]
    public async Task TokenCallback_ThatThrows_IsTriedAgain_AndThatReturnsNone_Stops()
    {
        bool throws = true;
        _options.GetToken = _ => throws ? throw new InvalidOperationException("no answer from the token server") : ValueTask.FromResult<string?>(null);
        Listening<ClientEvent> events = Start();

        Disconnected failed = await events.NextAsync<Disconnected>();
        Assert.Equal((EndKind.TokenFailed, "no answer from the token server"), (failed.End.Kind, failed.End.Reason));
        throws = false;
        _time.Advance(_second);

        Assert.Equal(EndKind.NoToken, (await events.NextAsync<Closed>()).End.Kind);
        Assert.Equal(0, _transport.Attempts);
    }

    [Fact]
    public async Task Send_WithoutConnection_GoesOutOnTheNext_InOrder()
    {
        _transport.Failure = new ConnectionEnd(EndKind.Unreachable);
        Listening<ClientEvent> events = Start();
        await events.NextAsync<Disconnected>();
        Task<DeliveryResult>[] sends = [.. Enumerable.Range(0, 3).Select(n => _client!.SendAsync($"{n}"))];
        Assert.All(sends, static send => Assert.False(send.IsCompleted));

        _transport.Failure = null;
        _time.Advance(_second);
        FakeConnection server = await _transport.AcceptAsync();

        Assert.Equal(["0", "1", "2"], [await server.ReceiveFromClientAsync(), await server.ReceiveFromClientAsync(), await server.ReceiveFromClientAsync()]);
        Assert.All(await Task.WhenAll(sends).Within(), static result => Assert.Equal(Delivery.Written, result.Delivery));
    }

    [Fact]
    public async Task Send_ThatBreaks_IsUnknown_AndIsNotRepeated_ButWhatWaitedBehindItGoesOut()
    {
        (FakeConnection server, Listening<ClientEvent> events) = await ConnectAsync();
        server.Gate = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<DeliveryResult> torn = _client!.SendAsync("torn");
        await Bounded.Eventually(() => server.Sends == 1);
        Task<DeliveryResult> waiting = _client.SendAsync("waiting");

        server.Gate.SetResult(false);
        server.End(new ConnectionEnd(EndKind.ConnectionLost));

        Assert.Equal(Delivery.Unknown, (await torn.Within()).Delivery);
        await events.NextAsync<Disconnected>();
        _time.Advance(_second);
        FakeConnection second = await _transport.AcceptAsync();
        Assert.Equal("waiting", await second.ReceiveFromClientAsync());
        Assert.Equal(Delivery.Written, (await waiting.Within()).Delivery);
    }

    // The socket is full and the peer does not read: the end of the connection ends the send too.
    [Fact]
    public async Task Send_ToAServerThatDoesNotRead_EndsWithTheConnection()
    {
        (FakeConnection server, Listening<ClientEvent> events) = await ConnectAsync();
        server.Gate = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<DeliveryResult> stuck = _client!.SendAsync("stuck");
        await Bounded.Eventually(() => server.Sends == 1);

        server.End(new ConnectionEnd(EndKind.HeartbeatTimeout));

        Assert.Equal(Delivery.Unknown, (await stuck.Within()).Delivery);
        Assert.Equal(EndKind.HeartbeatTimeout, (await events.NextAsync<Disconnected>()).End.Kind);
    }

    [Fact]
    public async Task Dispose_ClosesTheConnection_FailsWhatWaits_AndEndsTheEvents()
    {
        (FakeConnection server, Listening<ClientEvent> events) = await ConnectAsync();
        await _client!.DisposeAsync().AsTask().Within();

        Assert.Equal(1000, await server.ClientClosed.Within());
        await server.Disposed.Within();
        Assert.Equal(EndKind.ClosedByClient, (await events.NextAsync<Closed>()).End.Kind);
        await events.EndsAsync();
        Assert.Equal(Delivery.Failed, (await _client.SendAsync("late").Within()).Delivery);
        await _client.DisposeAsync().AsTask().Within(); // once more does nothing
    }

    [Fact]
    public async Task Dispose_WhileWaitingOrNeverStarted_EndsAtOnce()
    {
        _transport.Failure = new ConnectionEnd(EndKind.Unreachable);
        Listening<ClientEvent> events = Start();
        await events.NextAsync<Disconnected>();
        RelayClient never = new(new Uri("ws://host/ws"), "room", _options);

        await _client!.DisposeAsync().AsTask().Within();
        await never.DisposeAsync().AsTask().Within();

        Assert.Equal(EndKind.ClosedByClient, (await never.Completion.Within()).Kind);
        Assert.Equal(EndKind.ClosedByClient, (await events.NextAsync<Closed>()).End.Kind);
    }

    [Fact]
    public async Task Inbox_IsFull_StopsReading_AndLosesNothing()
    {
        _options.InboxCapacity = 2;
        Listening<ClientEvent> events = Start();
        FakeConnection server = await _transport.AcceptAsync();
        for (int n = 0; n < 10; n++)
        {
            server.SendToClient($"{n}");
        }

        await events.NextAsync<Connected>();
        for (int n = 0; n < 10; n++)
        {
            Assert.Equal($"{n}", (await events.NextAsync<MessageReceived>()).Message.Text);
        }
    }

    [Fact]
    public async Task Inbox_ThatDropsOldest_KeepsTheNewest()
    {
        _options.InboxCapacity = 2;
        _options.WhenInboxFull = WhenInboxFull.DropOldest;
        _client = new RelayClient(new Uri("ws://host/ws"), "room", _options);
        _client.Start();
        FakeConnection server = await _transport.AcceptAsync();
        for (int n = 0; n < 10; n++)
        {
            server.SendToClient($"{n}");
        }

        server.Close(1000);
        await _client.Completion.Within();
        Listening<ClientEvent> events = new(_client.ReadAllAsync());

        Assert.Equal("8", (await events.NextAsync<MessageReceived>()).Message.Text);
        Assert.Equal("9", (await events.NextAsync<MessageReceived>()).Message.Text);
        await events.NextAsync<Closed>(); // for which there is always place
    }

    [Fact]
    public async Task Dispose_WhileTheInboxIsFull_DoesNotHang()
    {
        _options.InboxCapacity = 1;
        _client = new RelayClient(new Uri("ws://host/ws"), "room", _options);
        _client.Start();
        FakeConnection server = await _transport.AcceptAsync();
        server.SendToClient("one too many");

        await _client.DisposeAsync().AsTask().Within();
    }

    [Fact]
    public async Task Handler_IsCalledInstead_AndWhatItThrowsEndsTheClient()
    {
        List<ClientEvent> events = [];
        _client = new RelayClient(new Uri("ws://host/ws"), "room", _options);
        _client.EventOccurred += what =>
        {
            events.Add(what);
            if (what is MessageReceived { Message.Text: "bad" })
            {
                throw new FormatException("not what I expected");
            }
        };
        _client.Start();
        FakeConnection server = await _transport.AcceptAsync();
        server.SendToClient("good");
        server.SendToClient("bad");

        await Assert.ThrowsAsync<FormatException>(() => _client.Completion.Within());
        Assert.Collection(events,
            static what => Assert.IsType<Connected>(what),
            static what => Assert.Equal("good", Assert.IsType<MessageReceived>(what).Message.Text),
            static what => Assert.IsType<MessageReceived>(what));
        await server.Disposed.Within();
    }

    [Fact]
    public async Task Start_Twice_IsRefused()
    {
        await ConnectAsync();

        Assert.Throws<InvalidOperationException>(_client!.Start);
    }

    [Fact]
    public async Task Payload_IsSentAsItIs()
    {
        (FakeConnection server, _) = await ConnectAsync();

        await _client!.SendAsync(Encoding.UTF8.GetBytes("bytes")).Within();

        Assert.Equal("bytes", await server.ReceiveFromClientAsync());
    }

    private Listening<ClientEvent> Start()
    {
        _client = new RelayClient(new Uri("ws://host/ws"), "room", _options);
        _events = new Listening<ClientEvent>(_client.ReadAllAsync());
        _client.Start();
        return _events;
    }

    private async Task<(FakeConnection Server, Listening<ClientEvent> Events)> ConnectAsync()
    {
        Listening<ClientEvent> events = Start();
        FakeConnection server = await _transport.AcceptAsync();
        await events.NextAsync<Connected>();
        return (server, events);
    }
}
