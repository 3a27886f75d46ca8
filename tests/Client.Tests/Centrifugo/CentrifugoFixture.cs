using Microsoft.Extensions.Time.Testing;
using Weir.Client.Events;
using Weir.Client.Tests.Fakes;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Client.Tests.Centrifugo;

/// <summary>A client and a server in memory, and the clock between them.</summary>
public abstract class CentrifugoFixture : IAsyncLifetime
{
    private protected CentrifugoFixture()
    {
        Transport = new FakeTransport { Time = Time };
        Server = new ScriptedServer(Transport);
        Options = new CentrifugoClientOptions { Transport = Transport, TimeProvider = Time, NextRandom = static () => 0 };
    }

    private protected static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private protected FakeTimeProvider Time { get; } = new();

    private protected FakeTransport Transport { get; }

    private protected ScriptedServer Server { get; }

    private protected CentrifugoClientOptions Options { get; }

    private protected CentrifugoClient Client => field ??= new CentrifugoClient(new Uri("ws://host/connection/websocket"), Options);

    private protected Listening<ClientEvent> Events => field ??= new Listening<ClientEvent>(Client.ReadAllAsync());

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync().AsTask().Within();
        GC.SuppressFinalize(this);
    }

    private protected async Task ConnectAsync(string fields = "\"ping\":25,\"pong\":true")
    {
        Client.Start();
        await Server.AcceptAsync(fields);
        await Events.NextAsync<Connected>();
    }

    /// <summary>Connects, and subscribes to channel c, which is at this position.</summary>
    private protected async Task<(Subscription Subscription, Listening<SubscriptionEvent> Events)> SubscribeAsync(ulong top,
        SubscriptionOptions? options = null)
    {
        Subscription subscription = Client.Subscribe("c", options);
        Listening<SubscriptionEvent> events = new(subscription.ReadAllAsync());
        await ConnectAsync();
        await Server.AdmitAsync(top);
        await events.NextAsync<Subscribed>();
        return (subscription, events);
    }
}
