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
    private readonly ConcurrentQueue<string> _heard = [];

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

                _heard.Enqueue($"{offset}");
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

        await Server.HearAsync("unsubscribe");
        System.Text.Json.JsonElement body = await Server.AdmitAsync(6, recovered: true, "e", 4, 5, 6);
        Server.Publish("c", 7);

        Assert.Equal(3UL, body.GetProperty("offset").GetUInt64());
        await Bounded.Eventually(() => _heard.Count >= 7);
        Assert.Equal(["1", "2", "3", "4", "5", "6", "7"], _heard);
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
                _heard.Enqueue($"{Client.PublishAsync("c", "2"u8.ToArray()).GetAwaiter().GetResult().Delivery}");
            }
        };
        await ConnectAsync();
        await Server.AdmitAsync(0);
        Server.Publish("c", 1);

        Server.Answer((await Server.HearAsync("publish")).Id, "publish");

        await Bounded.Eventually(() => _heard.Contains("Delivered"));
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
                _heard.Enqueue(what.GetType().Name);
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
                _heard.Enqueue(what.GetType().Name);
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
        Server.Connection.Say("""{"push":{"message":{"data":1}}}""");

        Assert.Equal(EndKind.ClosedByClient, (await Client.Completion.Within()).Kind);
        Assert.Equal(ofTheSubscription ? [nameof(Subscribed), nameof(PublicationReceived), nameof(Interrupted), nameof(Unsubscribed)]
            : [nameof(Connected), nameof(MessagePushed), nameof(Closed)], _heard);
    }

    [Fact]
    public async Task SubscribeAndUnsubscribe_WithinAHandlerOfTheClient_AreDone()
    {
        Client.EventOccurred += what =>
        {
            if (what is Connected)
            {
                Subscription subscription = Client.Subscribe("c");
                subscription.EventOccurred += each => _heard.Enqueue(each.GetType().Name);
                subscription.Unsubscribe();
                Client.Subscribe("d").EventOccurred += each => _heard.Enqueue(each.GetType().Name);
            }
        };
        Client.Start();
        await Server.AcceptAsync();

        await Server.HearAsync("subscribe");
        await Server.HearAsync("unsubscribe");
        await Server.AdmitAsync(0);

        await Bounded.Eventually(() => _heard.Contains(nameof(Subscribed)));
        Assert.Equal([nameof(Unsubscribed), nameof(Subscribed)], _heard);
    }

    [Fact]
    public async Task Unsubscribe_WithinAHandler_IsFollowedByNoPublication()
    {
        Subscription subscription = Client.Subscribe("c");
        subscription.EventOccurred += what =>
        {
            _heard.Enqueue(what.GetType().Name);
            if (what is PublicationReceived)
            {
                Server.Connection.Say("{}"); // all before it has been read when the pong is heard
                Server.HearPongAsync().GetAwaiter().GetResult();
                subscription.Unsubscribe();
            }
        };
        await ConnectAsync();
        await Server.AdmitAsync(0);
        Server.Publish("c", 1);
        Server.Publish("c", 2);
        Server.Publish("c", 3);

        await Bounded.Eventually(() => _heard.Contains(nameof(Unsubscribed)));
        Assert.Equal([nameof(Subscribed), nameof(PublicationReceived), nameof(Unsubscribed)], _heard);
    }

    [Fact]
    public async Task HandlersOfAClient_AreNotCalledBesideEachOther()
    {
        int inside = 0, most = 0;
        void Hear(object what)
        {
            most = Math.Max(most, Interlocked.Increment(ref inside));
            Thread.Yield();
            _heard.Enqueue(what.ToString()!);
            Interlocked.Decrement(ref inside);
        }

        Client.EventOccurred += Hear;
        Client.Subscribe("a").EventOccurred += Hear;
        Client.Subscribe("b").EventOccurred += Hear;
        Client.Start();
        await Server.AcceptAsync();
        await Server.AdmitAsync(0);
        await Server.AdmitAsync(0);
        for (ulong n = 1; n <= 50; n++)
        {
            Server.Publish("a", n);
            Server.Publish("b", n);
            Server.Connection.Say("""{"push":{"message":{"data":1}}}""");
        }

        await Bounded.Eventually(() => _heard.Count == 153);
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
        late.EventOccurred += what => _heard.Enqueue($"{what}");

        await Bounded.Eventually(() => _heard.Contains($"{new Unsubscribed(0, "closed by this client")}"));
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
        Server.Connection.Say("""{"push":{"channel":"c","unsubscribe":{"code":2000,"reason":"gone"}}}""");
        Server.Connection.Say("{}");
        await Server.HearPongAsync();

        Listening<SubscriptionEvent> heard = new(subscription.ReadAllAsync());

        await heard.NextAsync<Subscribed>();
        Assert.Equal(new Unsubscribed(2000, "gone"), await heard.NextAsync());
        await heard.EndsAsync();
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
