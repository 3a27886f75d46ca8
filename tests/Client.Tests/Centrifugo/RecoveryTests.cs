using System.Text;
using System.Text.Json;
using Weir.Client.Events;
using Weir.Client.Sending;
using Weir.Client.Tests.Fakes;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Client.Tests.Centrifugo;

/// <summary>No publication twice, and none left out without an event.</summary>
public sealed class RecoveryTests : CentrifugoFixture
{
    [Fact]
    public async Task DeepJson_LiveAndRecovered_IsHandedOn()
    {
        string deep = new string('[', 1000) + new string(']', 1000);
        (_, Listening<SubscriptionEvent> events) = await SubscribeAsync(top: 0);
        Server.Publish("c", 1, deep);
        Assert.Equal(deep, Encoding.UTF8.GetString((await events.NextAsync<PublicationReceived>()).Publication.Data.Span));

        await Server.LoseConnectionAsync(Events, Time);
        await events.NextAsync<Interrupted>();
        await Server.AcceptAsync();
        (uint id, _) = await Server.ReceiveAsync("subscribe");
        string missed = ScriptedServer.Publication(2, deep);
        Server.Answer(id, "subscribe", """{"recoverable":true,"positioned":true,"epoch":"e","offset":2,"was_recovering":true,"recovered":true,"publications":[""" + missed + "]}");

        await events.NextAsync<Subscribed>();
        Assert.Equal(deep, Encoding.UTF8.GetString((await events.NextAsync<PublicationReceived>()).Publication.Data.Span));
    }

    [Fact]
    public async Task First_RequestsRecovery_AndBeginsWithTheNextPublication()
    {
        Subscription subscription = Client.Subscribe("c");
        Listening<SubscriptionEvent> events = new(subscription.ReadAllAsync());
        await ConnectAsync();

        JsonElement body = await Server.AdmitAsync(7);
        Server.Publish("c", 8);

        Assert.Equal("""{"channel":"c","recoverable":true,"positioned":true}""", body.GetRawText());
        Assert.Equal(new Subscribed(false, new ClientStreamPosition("e", 7)), await events.NextAsync());
        Assert.Equal(8UL, await NumberAsync(events));
        Assert.Equal(new ClientStreamPosition("e", 8), subscription.Position);
        Assert.True(subscription.IsSubscribed);
    }

    [Fact]
    public async Task AfterALostConnection_ContinuesAtItsPosition_WithoutGapOrRepetition()
    {
        (_, Listening<SubscriptionEvent> events) = await SubscribeAsync(0);
        Server.Publish("c", 1);
        Server.Publish("c", 2);
        await ExpectAsync(events, 1, 2);

        await Server.LoseConnectionAsync(Events, Time);
        await events.NextAsync<Interrupted>();
        await Server.AcceptAsync();
        JsonElement body = await Server.AdmitAsync(2, recovered: true, "e", 3, 4);
        Server.Publish("c", 4); // was in flight already when the history was read
        Server.Publish("c", 5);

        Assert.Equal((true, "e", 2UL),
            (body.GetProperty("recover").GetBoolean(), body.GetProperty("epoch").GetString(), body.GetProperty("offset").GetUInt64()));
        Assert.True((await events.NextAsync<Subscribed>()).Recovered);
        await ExpectAsync(events, 3, 4, 5);
    }

    [Fact]
    public async Task AfterALoss_IsNotified_AndContinuesFromTheNewPosition()
    {
        (Subscription subscription, Listening<SubscriptionEvent> events) = await SubscribeAsync(5);

        await Server.LoseConnectionAsync(Events, Time);
        await events.NextAsync<Interrupted>();
        await Server.AcceptAsync();
        await Server.AdmitAsync(1, recovered: false, "another");
        Server.Publish("c", 2);

        Assert.Equal(new PositionLost(new ClientStreamPosition("e", 5)), await events.NextAsync());
        Assert.False((await events.NextAsync<Subscribed>()).Recovered);
        Assert.Equal(2UL, await NumberAsync(events));
        Assert.Equal(new ClientStreamPosition("another", 2), subscription.Position);
    }

    [Fact]
    public async Task Since_BeginsInThePast()
    {
        Subscription subscription = Client.Subscribe("c", new SubscriptionOptions { Since = new ClientStreamPosition("e", 3) });
        Listening<SubscriptionEvent> events = new(subscription.ReadAllAsync());
        await ConnectAsync();

        JsonElement body = await Server.AdmitAsync(3, recovered: true, "e", 4);

        Assert.Equal(3UL, body.GetProperty("offset").GetUInt64());
        Assert.True((await events.NextAsync<Subscribed>()).Recovered);
        Assert.Equal(4UL, await NumberAsync(events));
    }

    [Fact]
    public async Task ChannelWithoutPositions_DeliversAll()
    {
        Subscription subscription = Client.Subscribe("c", new SubscriptionOptions { Recoverable = false, JoinLeave = true });
        Listening<SubscriptionEvent> events = new(subscription.ReadAllAsync());
        await ConnectAsync();
        (uint id, JsonElement body) = await Server.ReceiveAsync("subscribe");
        Assert.Equal("""{"channel":"c","join_leave":true}""", body.GetRawText());

        Server.Answer(id, "subscribe");
        Server.Connection.SendToClient("""{"push":{"channel":"c","pub":{"data":1}}}""");
        Server.Connection.SendToClient("""{"push":{"channel":"c","pub":{"data":1}}}""");
        Server.Connection.SendToClient("""{"push":{"channel":"c","join":{"info":{"user":"u","client":"x"}}}}""");
        Server.Connection.SendToClient("""{"push":{"channel":"c","leave":{"info":{"user":"u","client":"x"}}}}""");

        Assert.Equal(new Subscribed(false, null), await events.NextAsync());
        await events.NextAsync<PublicationReceived>();
        await events.NextAsync<PublicationReceived>();
        Assert.Equal("x", (await events.NextAsync<MemberJoined>()).Info.Client);
        Assert.Equal("x", (await events.NextAsync<MemberLeft>()).Info.Client);
        Assert.Null(subscription.Position);
    }

    [Fact]
    public async Task ServerUnsubscribes_From2500On_ResubscribesAndRecovers()
    {
        (_, Listening<SubscriptionEvent> events) = await SubscribeAsync(1);

        Server.Connection.SendToClient("""{"push":{"channel":"c","unsubscribe":{"code":2500,"reason":"insufficient state"}}}""");
        Assert.Equal(new Interrupted(2500, "insufficient state"), await events.NextAsync());
        Time.Advance(Second);
        await Server.AdmitAsync(1, recovered: true, "e", 2);

        await events.NextAsync<Subscribed>();
        Assert.Equal(2UL, await NumberAsync(events));
    }

    [Fact]
    public async Task ServerUnsubscribes_Below2500_IsTheEnd()
    {
        (_, Listening<SubscriptionEvent> events) = await SubscribeAsync(1);

        Server.Connection.SendToClient("""{"push":{"channel":"c","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}}""");

        Assert.Equal(new Unsubscribed(2000, "server unsubscribe"), await events.NextAsync());
        await events.EndsAsync();
        await Server.LoseConnectionAsync(Events, Time);
        await Server.AcceptAsync();
        Task<DeliveryResult> publish = Client.PublishAsync("c", "1"u8.ToArray());
        await Server.ReceiveAsync("publish"); // and no subscribe before it
        Assert.False(publish.IsCompleted);
    }

    [Fact]
    public async Task SubscribeError_ThatIsTemporary_IsTriedAgain_LaterEachTime()
    {
        Subscription subscription = Client.Subscribe("c");
        Listening<SubscriptionEvent> events = new(subscription.ReadAllAsync());
        await ConnectAsync("\"ping\":0");
        for (int n = 0; n < 3; n++)
        {
            (uint id, _) = await Server.ReceiveAsync("subscribe");
            Server.Refuse(id, 100, "internal server error", temporary: true);
            await events.NextAsync<Interrupted>();
            Time.Advance((Second * (1 << n)) - TimeSpan.FromTicks(1));
            Assert.False(Server.Connection.HasMore);
            Task<JsonElement> admitting = n == 2 ? Server.AdmitAsync(0) : Task.FromResult(default(JsonElement));
            await Bounded.Eventually(() =>
            {
                Time.Advance(TimeSpan.FromTicks(1)); // the wait begins a moment after its event
                return admitting.IsCompleted && (n == 2 || Server.Connection.HasMore);
            });
        }

        await events.NextAsync<Subscribed>();
    }

    [Fact]
    public async Task SubscribeError_ThatIsFinal_EndsIt()
    {
        Subscription subscription = Client.Subscribe("c");
        Listening<SubscriptionEvent> events = new(subscription.ReadAllAsync());
        await ConnectAsync();

        Server.Refuse((await Server.ReceiveAsync("subscribe")).Id, 103, "permission denied");

        Assert.Equal(new Unsubscribed(103, "permission denied"), await events.NextAsync());
        await events.EndsAsync();
        Client.Subscribe("c"); // the name is free again
        await Server.ReceiveAsync("subscribe");
    }

    [Fact]
    public async Task SubscriptionToken_IsRequestedOnce_RenewedWhenExpired_AndRefreshed()
    {
        int asked = 0;
        Subscription subscription = Client.Subscribe("c",
            new SubscriptionOptions { GetToken = (channel, _) => ValueTask.FromResult<string?>($"{channel}{++asked}") });
        Listening<SubscriptionEvent> events = new(subscription.ReadAllAsync());
        await ConnectAsync("\"ping\":0");

        (uint id, JsonElement body) = await Server.ReceiveAsync("subscribe");
        Assert.Equal("c1", body.GetProperty("token").GetString());
        Server.Refuse(id, 109, "token expired");
        await events.NextAsync<Interrupted>();
        Task<(uint Id, JsonElement Body)> again = Server.ReceiveAsync("subscribe");
        await Bounded.Eventually(() =>
        {
            Time.Advance(Second);
            return again.IsCompleted;
        });
        Assert.Equal("c2", (await again).Body.GetProperty("token").GetString());
        Server.Answer((await again).Id, "subscribe", """{"expires":true,"ttl":100}""");
        await events.NextAsync<Subscribed>();
        Task<(uint Id, JsonElement Body)> refresh = Server.ReceiveAsync("sub_refresh");
        await Bounded.Eventually(() =>
        {
            Time.Advance(Second);
            return refresh.IsCompleted;
        });
        Assert.Equal("""{"channel":"c","token":"c3"}""", (await refresh).Body.GetRawText());

        Server.Refuse((await refresh).Id, 103, "permission denied");
        await Server.ReceiveAsync("unsubscribe");
        Assert.Equal(103, (await events.NextAsync<Unsubscribed>()).Code);
    }

    [Fact]
    public async Task NoAnswerToSubscribe_EndsTheConnection()
    {
        Client.Subscribe("c");
        await ConnectAsync("\"ping\":0");
        await Server.ReceiveAsync("subscribe");

        await Bounded.Eventually(() =>
        {
            Time.Advance(Second);
            return Client.State != ClientState.Connected;
        });

        Assert.Equal(EndKind.TimedOut, (await Events.NextAsync<Disconnected>()).End.Kind);
    }

    // The application reads no events for a while: what does not fit is fetched when it has caught up, and no other subscription waits.
    [Fact]
    public async Task SlowReader_IsGivenWhatWasLeftOut_AndDelaysNoOther()
    {
        (Subscription subscription, Listening<SubscriptionEvent> events) =
            await SubscribeAsync(0, new SubscriptionOptions { InboxCapacity = 3 });
        for (ulong n = 1; n <= 10; n++)
        {
            Server.Publish("c", n);
        }

        Server.Connection.SendToClient("{}");
        await Server.ReceivePongAsync(); // all of them have been read
        Assert.Equal(new ClientStreamPosition("e", 3), subscription.Received);
        Assert.Equal(new ClientStreamPosition("e", 0), subscription.Position); // none of them has been handed out
        await ExpectAsync(events, 1, 2, 3);
        Task<SubscriptionEvent> next = events.NextAsync();

        await Server.ReceiveAsync("unsubscribe");
        Server.Publish("c", 11); // of the old subscription: it would leave a gap
        JsonElement body = await Server.AdmitAsync(3, recovered: true, "e", 4, 5);

        Assert.Equal(3UL, body.GetProperty("offset").GetUInt64());
        Assert.IsType<Subscribed>(await next);
        await ExpectAsync(events, 4, 5);
    }

    [Fact]
    public async Task SlowReader_WithoutHistory_IsNotified()
    {
        Subscription subscription = Client.Subscribe("c", new SubscriptionOptions { InboxCapacity = 1 });
        Listening<SubscriptionEvent> events = new(subscription.ReadAllAsync());
        await ConnectAsync();
        Server.Answer((await Server.ReceiveAsync("subscribe")).Id, "subscribe");
        Server.Connection.SendToClient("""{"push":{"channel":"c","pub":{"data":1}}}""");
        Server.Connection.SendToClient("{}");
        await Server.ReceivePongAsync();

        await events.NextAsync<Subscribed>();

        Assert.Equal(new PositionLost(null), await events.NextAsync());
    }

    [Fact]
    public async Task Unsubscribe_EndsIt_AndSendsTheCommand()
    {
        (Subscription subscription, Listening<SubscriptionEvent> events) = await SubscribeAsync(1);

        subscription.Unsubscribe();
        subscription.Unsubscribe();

        Assert.Equal("c", (await Server.ReceiveAsync("unsubscribe")).Body.GetProperty("channel").GetString());
        await events.NextAsync<Unsubscribed>();
        await events.EndsAsync();
    }

    [Fact]
    public async Task Unsubscribe_PublicationsInFlight_AreNotTakenForAServersChannel()
    {
        (Subscription subscription, _) = await SubscribeAsync(1);

        subscription.Unsubscribe();
        Server.Publish("c", 2);
        Server.Answer((await Server.ReceiveAsync("unsubscribe")).Id, "unsubscribe");
        Server.Publish("c", 3); // the server has subscribed the connection to it

        Assert.Equal(3UL, (await Events.NextAsync<ServerPublished>()).Publication.Offset);
    }

    [Fact]
    public async Task Subscribe_Twice_IsRefused()
    {
        Client.Subscribe("c");

        Assert.Throws<InvalidOperationException>(() => Client.Subscribe("c"));
        await Task.CompletedTask;
    }

    [Fact]
    public async Task HandlerThatThrows_EndsTheClient()
    {
        Subscription subscription = Client.Subscribe("c");
        subscription.EventOccurred += static what =>
        {
            if (what is PublicationReceived)
            {
                throw new FormatException("not what I expected");
            }
        };
        await ConnectAsync();
        await Server.AdmitAsync(0);
        Server.Publish("c", 1);

        await Assert.ThrowsAsync<FormatException>(() => Client.Completion.Within());
    }

    private static async Task ExpectAsync(Listening<SubscriptionEvent> events, params ulong[] numbers)
    {
        foreach (ulong number in numbers)
        {
            Assert.Equal(number, await NumberAsync(events));
        }
    }

    private static async Task<ulong> NumberAsync(Listening<SubscriptionEvent> events)
        => (await events.NextAsync<PublicationReceived>()).Publication.Offset;
}
