using System.Globalization;
using System.Text;
using Weir.Client;
using Weir.Client.Events;
using Weir.Client.Sending;
using Weir.Integration.Hosting;
using Weir.Integration.Relay;
using Weir.Testing;
using Weir.TestSupport;
using Weir.TestSupport.Processes;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Integration.Client;

/// <summary>The client of the Centrifugo protocol and the Host.</summary>
public sealed class CentrifugoHostTests(RelayHost host) : IClassFixture<RelayHost>
{
    [Fact]
    public async Task Publications_OfOthersAndOfABackEnd_ComeInOrder()
    {
        string channel = RelayHost.NewRoom("kept");
        await using CentrifugoClient first = NewClient();
        await using CentrifugoClient second = NewClient();
        Listening<SubscriptionEvent> ofChannel = await SubscribeAsync(first, channel);
        second.Start();

        Assert.Equal(new DeliveryResult(Delivery.Delivered), await second.PublishAsync(channel, "{\"from\":\"second\"}"u8.ToArray())
            .Within());
        await host.PublishAsync(channel, "\"back end\"");

        ClientPublication one = (await ofChannel.NextAsync<PublicationReceived>()).Publication;
        ClientPublication two = (await ofChannel.NextAsync<PublicationReceived>()).Publication;
        Assert.Equal(("{\"from\":\"second\"}", 1UL), (Encoding.UTF8.GetString(one.Data.Span), one.Offset));
        Assert.Equal(("\"back end\"", 2UL), (Encoding.UTF8.GetString(two.Data.Span), two.Offset));
        HistoryResult history = await second.HistoryAsync(channel, -1).Within();
        Assert.Equal([1UL, 2UL], history.Publications.Select(static each => each.Offset));
        Assert.Equal(2UL, history.Top.Offset);
    }

    [Fact]
    public async Task LinkThatDiesSilently_IsFoundByTheMissingPing_AndWhatWasMissedFollows()
    {
        await using HostProcess own = await HostProcess.StartAsync(
            ("Weir__Rooms__0__Pattern", "*"), ("Weir__Rooms__0__HistorySize", "1000"), ("Weir__Api__Key", RelayHost.Key),
                ("Weir__Heartbeat__Interval", "1s"));
        await using TcpProxy firewall = TcpProxy.Start(own.Port);
        CentrifugoClientOptions options = Quick.Centrifugo();
        options.MaxPingDelay = TimeSpan.FromSeconds(2);
        await using CentrifugoClient client = new(new Uri($"ws://{firewall.Address}/connection/websocket"), options);
        Listening<ClientEvent> events = new(client.ReadAllAsync());
        Listening<SubscriptionEvent> ofChannel = await SubscribeAsync(client, "c");
        await events.NextAsync<Connected>();
        using HttpClient http = RelayHost.NewClient(own);

        firewall.Freeze();
        for (int n = 1; n <= 5; n++)
        {
            await RelayHost.CallAsync(http, "publish", string.Create(CultureInfo.InvariantCulture, $$"""{"channel":"c","data":{{n}}}"""));
        }

        Assert.Equal(EndKind.HeartbeatTimeout, (await events.NextAsync<Disconnected>()).End.Kind);
        await ofChannel.NextAsync<Interrupted>();
        Assert.True((await ofChannel.NextAsync<Subscribed>()).Recovered);
        for (ulong n = 1; n <= 5; n++)
        {
            Assert.Equal(n, (await ofChannel.NextAsync<PublicationReceived>()).Publication.Offset);
        }
    }

    [Fact]
    public async Task MoreMissedThanIsKept_IsReported()
    {
        string channel = RelayHost.NewRoom("short"); // keeps three
        ClientStreamPosition since = await PublishAsync(channel, 1);
        await PublishAsync(channel, 5);
        await using CentrifugoClient client = NewClient();

        Subscription subscription = client.Subscribe(channel, new SubscriptionOptions { Since = since });
        Listening<SubscriptionEvent> ofChannel = new(subscription.ReadAllAsync());
        client.Start();

        Assert.Equal(new PositionLost(since), await ofChannel.NextAsync());
        Assert.Equal(6UL, (await ofChannel.NextAsync<Subscribed>()).Position!.Value.Offset);
    }

    [Fact]
    public async Task SlowUser_GetsEverythingOnce()
    {
        string channel = RelayHost.NewRoom("kept");
        await using CentrifugoClient client = NewClient();
        Listening<SubscriptionEvent> ofChannel = await SubscribeAsync(client, channel, new SubscriptionOptions { InboxCapacity = 5 });

        await PublishAsync(channel, 200); // the application has read none of them so far

        for (ulong next = 1; next <= 200;)
        {
            if (await ofChannel.NextAsync() is PublicationReceived { Publication.Offset: var offset })
            {
                Assert.Equal(next++, offset);
            }
        }
    }

    [Fact]
    public async Task Presence_ShowsThePresentClients()
    {
        string channel = RelayHost.NewRoom("present");
        await using CentrifugoClient client = NewClient();
        await SubscribeAsync(client, channel);

        Assert.Single(await client.PresenceAsync(channel).Within());
        Assert.Equal(1, (await client.PresenceStatsAsync(channel).Within()).Clients);
    }

    [Fact]
    public async Task Drain_ReconnectsToAnotherStart_AndContinues()
    {
        string[] address = RestartAddress.NewArguments();
        await using HostProcess first = await HostProcess.StartWithAsync(address);
        await using CentrifugoClient client = new(new Uri($"ws://127.0.0.1:{first.Port}/connection/websocket"), Quick.Centrifugo());
        Listening<SubscriptionEvent> ofChannel = await SubscribeAsync(client, "c");

        first.Terminate();
        await ofChannel.NextAsync<Interrupted>();
        await first.ExitAsync();
        await using HostProcess second = await HostProcess.StartWithAsync(address);

        await ofChannel.NextAsync<Subscribed>();
        Assert.Equal(Delivery.Delivered, (await client.PublishAsync("c", "1"u8.ToArray()).Within()).Delivery);
        await ofChannel.NextAsync<PublicationReceived>();
    }

    private static async Task<Listening<SubscriptionEvent>> SubscribeAsync(CentrifugoClient client, string channel,
        SubscriptionOptions? options = null)
    {
        Subscription subscription = client.Subscribe(channel, options);
        Listening<SubscriptionEvent> ofChannel = new(subscription.ReadAllAsync());
        client.Start();
        await ofChannel.NextAsync<Subscribed>();
        return ofChannel;
    }

    private CentrifugoClient NewClient() => new(new Uri($"ws://127.0.0.1:{host.Process.Port}/connection/websocket"), Quick.Centrifugo());

    /// <summary>Publishes so many; returns where the last is.</summary>
    private async Task<ClientStreamPosition> PublishAsync(string channel, int count)
    {
        ClientStreamPosition position = default;
        for (int n = 0; n < count; n++)
        {
            (string epoch, long offset) = await host.PublishAsync(channel, "{}");
            position = new ClientStreamPosition(epoch, (ulong)offset);
        }

        return position;
    }
}
