using System.Text;
using System.Text.Json;
using Weir.Client.Events;
using Weir.Client.Sending;
using Weir.Testing;
using Xunit;

namespace Weir.Client.Tests.Centrifugo;

/// <summary>The results of commands.</summary>
public sealed class CommandTests : CentrifugoFixture
{
    private static readonly ReadOnlyMemory<byte> _data = "{\"n\":1}"u8.ToArray();

    [Fact]
    public async Task Publish_ThatIsConfirmed_IsDelivered()
    {
        await ConnectAsync();
        Task<DeliveryResult> publish = Client.PublishAsync("c", _data);

        (uint id, JsonElement body) = await Server.ReceiveAsync("publish");
        Assert.Equal("""{"channel":"c","data":{"n":1}}""", body.GetRawText());
        Server.Answer(id, "publish");

        Assert.Equal(new DeliveryResult(Delivery.Delivered), await publish.Within());
    }

    [Fact]
    public async Task Publish_ThatIsRefused_HasFailed_WithTheCode()
    {
        await ConnectAsync();
        Task<DeliveryResult> publish = Client.PublishAsync("c", _data);
        (uint id, _) = await Server.ReceiveAsync("publish");

        Server.Refuse(id, 103, "permission denied");

        Assert.Equal(new DeliveryResult(Delivery.Failed, "permission denied", 103), await publish.Within());
    }

    [Fact]
    public async Task Publish_ThatTheServerFailedToServe_IsUnknown_WithTheCode()
    {
        await ConnectAsync();
        Task<DeliveryResult> publish = Client.PublishAsync("c", _data);
        (uint id, _) = await Server.ReceiveAsync("publish");

        Server.Refuse(id, 100, "internal server error"); // its broker has not answered: it may be stored

        Assert.Equal(new DeliveryResult(Delivery.Unknown, "internal server error", 100), await publish.Within());
    }

    [Fact]
    public async Task Publish_WhoseConnectionEnds_IsUnknown_AndIsNotRepeated()
    {
        await ConnectAsync();
        Task<DeliveryResult> publish = Client.PublishAsync("c", _data);
        await Server.ReceiveAsync("publish");

        await Server.LoseConnectionAsync(Events, Time);

        Assert.Equal(Delivery.Unknown, (await publish.Within()).Delivery);
        await Server.AcceptAsync();
        await Events.NextAsync<Connected>();
        Task<DeliveryResult> next = Client.PublishAsync("c", "2"u8.ToArray());
        (uint id, JsonElement body) = await Server.ReceiveAsync("publish");
        Assert.Equal("2", body.GetProperty("data").GetRawText());
        Server.Answer(id, "publish");
        await next.Within();
    }

    [Fact]
    public async Task Publish_WithoutAnswerInTime_IsUnknown()
    {
        await ConnectAsync("\"ping\":0");
        Task<DeliveryResult> publish = Client.PublishAsync("c", _data);
        (uint id, _) = await Server.ReceiveAsync("publish");

        await Bounded.Eventually(() =>
        {
            Time.Advance(Second);
            return publish.IsCompleted;
        });

        Assert.Equal(new DeliveryResult(Delivery.Unknown, "no answer in time"), await publish);
        Server.Answer(id, "publish"); // too late, and harmless
        Task<DeliveryResult> next = Client.PublishAsync("c", _data);
        Server.Answer((await Server.ReceiveAsync("publish")).Id, "publish");
        Assert.Equal(Delivery.Delivered, (await next.Within()).Delivery);
    }

    [Fact]
    public async Task Publish_WithoutConnection_GoesOutAfterTheConnectAndTheSubscribes()
    {
        Task<DeliveryResult> publish = Client.PublishAsync("c", _data);
        Client.Subscribe("c");
        Client.Start();
        (uint connect, _) = await Server.AcceptSilentlyAsync();
        Assert.False(Server.Connection.HasMore);

        Server.Answer(connect, "connect", """{"client":"c1"}""");

        await Server.ReceiveAsync("subscribe");
        Server.Answer((await Server.ReceiveAsync("publish")).Id, "publish");
        Assert.Equal(Delivery.Delivered, (await publish.Within()).Delivery);
    }

    [Fact]
    public async Task Publish_ToAClientThatHasStopped_HasFailed()
    {
        await ConnectAsync();
        Server.Connection.Close(3500, "invalid token");
        await Events.NextAsync<Closed>();

        DeliveryResult late = await Client.PublishAsync("c", _data).Within();

        Assert.Equal(new DeliveryResult(Delivery.Failed, "closed by the server with 3500: invalid token"), late);
    }

    [Fact]
    public async Task Publish_OfWhatIsNoJson_IsTheCallersMistake()
        => await Assert.ThrowsAnyAsync<JsonException>(() => Client.PublishAsync("c", "{"u8.ToArray()));

    [Theory]
    [InlineData(new byte[] { 0x22, 0xFF, 0x22 })]
    [InlineData(new byte[] { 0x22, 0xED, 0xA0, 0x80, 0x22 })] // U+D800 as bytes
    [InlineData(new byte[] { 0x22, 0xC0, 0xAF, 0x22 })] // '/' in two bytes
    public async Task Publish_OfWhatIsNotUtf8_IsTheCallersMistake(byte[] data)
        => await Assert.ThrowsAsync<JsonException>(() => Client.PublishAsync("c", data));

    [Theory]
    [InlineData(65)]
    [InlineData(100_000)]
    public async Task DeepJson_IsCarriedBothWays(int depth)
    {
        string deep = new string('[', depth) + new string(']', depth);
        await ConnectAsync();
        Task<DeliveryResult> publish = Client.PublishAsync("c", Encoding.UTF8.GetBytes(deep));
        Assert.Equal($$$"""{"id":2,"publish":{"channel":"c","data":{{{deep}}}}}""", await Server.Connection.ReceiveFromClientAsync());
        Server.Answer(2, "publish");
        Assert.Equal(Delivery.Delivered, (await publish.Within()).Delivery);

        Task<HistoryResult> asked = Client.HistoryAsync("c", -1);
        Server.Answer((await Server.ReceiveAsync("history")).Id, "history",
            $$"""{"publications":[{"data":{{deep}},"offset":1}],"epoch":"e","offset":1}""");
        ClientPublication publication = Assert.Single((await asked.Within()).Publications);
        Assert.Equal(deep, Encoding.UTF8.GetString(publication.Data.Span));
    }

    // At any moment, each of many ends exactly once, with a result.
    [Fact]
    public async Task Publishes_InFlightAndWaiting_WhenItIsAllOver_EachHaveAnEnd()
    {
        await ConnectAsync();
        Server.Connection.Gate = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<DeliveryResult>[] all = [.. Enumerable.Range(0, 100).Select(_ => Client.PublishAsync("c", _data))];
        await Bounded.Eventually(() => Server.Connection.Sends == 2); // the connect, and the first of these

        Server.Connection.Close(3503, "force disconnect");

        DeliveryResult[] results = await Task.WhenAll(all).Within();
        Assert.Equal(Delivery.Unknown, results[0].Delivery);
        Assert.Equal(99, results.Count(static result => result.Delivery == Delivery.Failed));
    }

    [Fact]
    public async Task Rpc_ReturnsTheData_OrThrows()
    {
        await ConnectAsync();
        Task<ReadOnlyMemory<byte>> call = Client.RpcAsync("m", _data);
        (uint id, JsonElement body) = await Server.ReceiveAsync("rpc");
        Assert.Equal("""{"method":"m","data":{"n":1}}""", body.GetRawText());
        Server.Answer(id, "rpc", """{"data":[1,2]}""");
        Assert.Equal("[1,2]", Encoding.UTF8.GetString((await call.Within()).Span));

        Task<ReadOnlyMemory<byte>> refused = Client.RpcAsync("m", default);
        Server.Refuse((await Server.ReceiveAsync("rpc")).Id, 104, "method not found");
        CentrifugoException error = await Assert.ThrowsAsync<CentrifugoException>(() => refused.Within());
        Assert.Equal((104, "method not found (104)"), (error.Result.ErrorCode, error.Message));
    }

    [Fact]
    public async Task History_ReturnsPublicationsAndTheTop()
    {
        await ConnectAsync();
        Task<HistoryResult> asked = Client.HistoryAsync("c", 2, new ClientStreamPosition("e", 5), reverse: true);
        (uint id, JsonElement body) = await Server.ReceiveAsync("history");
        Assert.Equal("""{"channel":"c","limit":2,"since":{"epoch":"e","offset":5},"reverse":true}""", body.GetRawText());

        Server.Answer(id, "history", """{"publications":[{"data":4,"offset":4},{"data":3,"offset":3}],"epoch":"e","offset":9}""");

        HistoryResult history = await asked.Within();
        Assert.Equal([4UL, 3UL], history.Publications.Select(static each => each.Offset));
        Assert.Equal(new ClientStreamPosition("e", 9), history.Top);
    }

    [Fact]
    public async Task Presence_ReturnsThePresentClients()
    {
        await ConnectAsync();
        Task<IReadOnlyDictionary<string, ClientInfo>> asked = Client.PresenceAsync("c");
        Server.Answer((await Server.ReceiveAsync("presence")).Id, "presence",
            """{"presence":{"c1":{"user":"u","client":"c1","chan_info":{"r":1}}}}""");
        ClientInfo info = Assert.Single(await asked.Within()).Value;
        Assert.Equal(("c1", "u", """{"r":1}"""), (info.Client, info.User, Encoding.UTF8.GetString(info.ChannelInfo.Span)));

        Task<(int Clients, int Users)> stats = Client.PresenceStatsAsync("c");
        Server.Answer((await Server.ReceiveAsync("presence_stats")).Id, "presence_stats", """{"num_clients":3,"num_users":2}""");
        Assert.Equal((3, 2), await stats.Within());
    }
}
