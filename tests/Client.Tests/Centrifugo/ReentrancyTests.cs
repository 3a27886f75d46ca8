using System.Collections.Concurrent;
using Weir.Client.Events;
using Weir.Client.Sending;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Client.Tests.Centrifugo;

/// <summary>Handlers that use the client which calls them.</summary>
public sealed class ReentrancyTests : CentrifugoFixture
{
    private readonly ConcurrentQueue<string> _observed = [];

    [Fact]
    public async Task UnsubscribeAndSubscribe_WithinAHandler_GivesNothingTwiceAndLeavesNothingOut()
    {
        int count = 0;
        void Listen(ClientStreamPosition? since)
        {
            Subscription subscription = Client.Subscribe("c", new SubscriptionOptions { Since = since });
            subscription.EventOccurred += what =>
            {
                if (what is not PublicationReceived { Publication.Offset: var offset })
                {
                    return;
                }

                _observed.Enqueue($"{offset}");
                Assert.Equal(offset, subscription.Position!.Value.Offset);
                if (++count == 3)
                {
                    subscription.Unsubscribe();
                    Listen(subscription.Position);
                }
            };
        }

        Listen(null);
        await ConnectAsync();
        await Server.AdmitAsync(0);
        for (ulong n = 1; n <= 6; n++)
        {
            Server.Publish("c", n);
        }

        await Server.ReceiveAsync("unsubscribe");
        System.Text.Json.JsonElement body = await Server.AdmitAsync(6, recovered: true, "e", 4, 5, 6);
        Server.Publish("c", 7);

        Assert.Equal(3UL, body.GetProperty("offset").GetUInt64());
        await Bounded.Eventually(() => _observed.Count >= 7);
        Assert.Equal(["1", "2", "3", "4", "5", "6", "7"], _observed);
    }

    // The answer is read by the connection's own task while the handler waits for it.
    [Fact]
    public async Task PublishAndWait_WithinAHandler_HasItsAnswer()
    {
        Subscription subscription = Client.Subscribe("c");
        subscription.EventOccurred += what =>
        {
            if (what is PublicationReceived)
            {
                _observed.Enqueue($"{Client.PublishAsync("c", "2"u8.ToArray()).GetAwaiter().GetResult().Delivery}");
            }
        };
        await ConnectAsync();
        await Server.AdmitAsync(0);
        Server.Publish("c", 1);

        Server.Answer((await Server.ReceiveAsync("publish")).Id, "publish");

        await Bounded.Eventually(() => _observed.Contains("Delivered"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task DisposeAndWait_WithinAHandler_EndsTheClient(bool ofTheSubscription)
    {
        Subscription subscription = Client.Subscribe("c");
        void Dispose() => Client.DisposeAsync().AsTask().GetAwaiter().GetResult();
        if (ofTheSubscription)
        {
            subscription.EventOccurred += what =>
            {
                _observed.Enqueue(what.GetType().Name);
                if (what is PublicationReceived)
                {
                    Dispose();
                }
            };
        }
        else
        {
            Client.EventOccurred += what =>
            {
                _observed.Enqueue(what.GetType().Name);
                if (what is MessagePushed)
                {
                    Dispose();
                }
            };
        }

        Client.Start();
        await Server.AcceptAsync();
        await Server.AdmitAsync(0);
        Server.Publish("c", 1);
        Server.Connection.SendToClient("""{"push":{"message":{"data":1}}}""");

        Assert.Equal(EndKind.ClosedByClient, (await Client.Completion.Within()).Kind);
        Assert.Equal(ofTheSubscription ? [nameof(Subscribed), nameof(PublicationReceived), nameof(Interrupted), nameof(Unsubscribed)]
            : [nameof(Connected), nameof(MessagePushed), nameof(Closed)], _observed);
    }

    [Fact]
    public async Task SubscribeAndUnsubscribe_WithinAHandlerOfTheClient_AreDone()
    {
        Client.EventOccurred += what =>
        {
            if (what is Connected)
            {
                Subscription subscription = Client.Subscribe("c");
                subscription.EventOccurred += each => _observed.Enqueue(each.GetType().Name);
                subscription.Unsubscribe();
                Client.Subscribe("d").EventOccurred += each => _observed.Enqueue(each.GetType().Name);
            }
        };
        Client.Start();
        await Server.AcceptAsync();

        await Server.ReceiveAsync("subscribe");
        await Server.ReceiveAsync("unsubscribe");
        await Server.AdmitAsync(0);

        await Bounded.Eventually(() => _observed.Contains(nameof(Subscribed)));
        Assert.Equal([nameof(Unsubscribed), nameof(Subscribed)], _observed);
    }

    [Fact]
    public async Task Unsubscribe_WithinAHandler_IsFollowedByNoPublication()
    {
        Subscription subscription = Client.Subscribe("c");
        subscription.EventOccurred += what =>
        {
            _observed.Enqueue(what.GetType().Name);
            if (what is PublicationReceived)
            {
                Server.Connection.SendToClient("{}"); // all before it has been read when the pong is received
                Server.ReceivePongAsync().GetAwaiter().GetResult();
                subscription.Unsubscribe();
            }
        };
        await ConnectAsync();
        await Server.AdmitAsync(0);
        Server.Publish("c", 1);
        Server.Publish("c", 2);
        Server.Publish("c", 3);

        await Bounded.Eventually(() => _observed.Contains(nameof(Unsubscribed)));
        Assert.Equal([nameof(Subscribed), nameof(PublicationReceived), nameof(Unsubscribed)], _observed);
    }

    [Fact]
    public async Task HandlersOfAClient_AreNotCalledBesideEachOther()
    {
        int inside = 0, most = 0;
        void Record(object what)
        {
            most = Math.Max(most, Interlocked.Increment(ref inside));
            Thread.Yield();
            _observed.Enqueue(what.ToString()!);
            Interlocked.Decrement(ref inside);
        }

        Client.EventOccurred += Record;
        Client.Subscribe("a").EventOccurred += Record;
        Client.Subscribe("b").EventOccurred += Record;
        Client.Start();
        await Server.AcceptAsync();
        await Server.AdmitAsync(0);
        await Server.AdmitAsync(0);
        for (ulong n = 1; n <= 50; n++)
        {
            Server.Publish("a", n);
            Server.Publish("b", n);
            Server.Connection.SendToClient("""{"push":{"message":{"data":1}}}""");
        }

        await Bounded.Eventually(() => _observed.Count == 153);
        Assert.Equal(1, most);
    }

    [Fact]
    public async Task HandlerThatThrowsAtEverything_EndsTheClient_AndEveryWait()
    {
        Subscription bad = Client.Subscribe("bad");
        bad.EventOccurred += static _ => throw new FormatException("always");
        Subscription good = Client.Subscribe("good");
        Listening<SubscriptionEvent> others = new(good.ReadAllAsync());
        await ConnectAsync();
        Task<DeliveryResult> publish = Client.PublishAsync("c", "1"u8.ToArray());
        await Server.AdmitAsync(0); // bad: its handler throws

        await Assert.ThrowsAsync<FormatException>(() => Client.Completion.Within());
        Assert.NotEqual(Delivery.Delivered, (await publish.Within()).Delivery);
        Closed closed = await Events.NextAsync<Closed>();
        Assert.IsType<FormatException>(closed.End.Error);
        SubscriptionEvent last = await others.NextAsync();
        Assert.IsType<Unsubscribed>(last is Subscribed or Interrupted ? await others.NextAsync() : last);
        await Client.DisposeAsync().AsTask().Within();
    }

    [Fact]
    public async Task Subscribe_WhenTheClientHasEnded_HasEndedToo()
    {
        await ConnectAsync();
        await Client.DisposeAsync().AsTask().Within();

        Subscription late = Client.Subscribe("late");
        late.EventOccurred += what => _observed.Enqueue($"{what}");

        await Bounded.Eventually(() => _observed.Contains($"{new Unsubscribed(0, "closed by this client")}"));
        Listening<SubscriptionEvent> later = new(Client.Subscribe("late").ReadAllAsync());
        await later.NextAsync<Unsubscribed>();
        await later.EndsAsync();
    }

    [Fact]
    public async Task FullInbox_HasPlaceForTheEnd()
    {
        Subscription subscription = Client.Subscribe("c", new SubscriptionOptions { InboxCapacity = 1 });
        await ConnectAsync();
        await Server.AdmitAsync(0);
        Server.Publish("c", 1);
        Server.Connection.SendToClient("""{"push":{"channel":"c","unsubscribe":{"code":2000,"reason":"gone"}}}""");
        Server.Connection.SendToClient("{}");
        await Server.ReceivePongAsync();

        Listening<SubscriptionEvent> events = new(subscription.ReadAllAsync());

        await events.NextAsync<Subscribed>();
        Assert.Equal(new Unsubscribed(2000, "gone"), await events.NextAsync());
        await events.EndsAsync();
    }

    [Fact]
    public void Subscribe_ToANameThatIsNoText_IsRefused()
    {
        foreach (string name in new[] { "\ud800", "a\udc00b", "\udc00\ud800" })
        {
            Assert.Throws<ArgumentException>(() => Client.Subscribe(name));
            Assert.Throws<ArgumentException>(() => new RelayClient(new Uri("ws://host/ws"), name));
        }

        Assert.Throws<ArgumentException>(() => Client.Subscribe("c", new SubscriptionOptions { Data = "{"u8.ToArray() }));
        Client.Subscribe("\ud83d\ude00");
    }
}
