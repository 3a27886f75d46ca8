using System.Text.Json;
using Weir.Client.Events;
using Weir.Client.Tests.Fakes;
using Xunit;

namespace Weir.Client.Tests.Centrifugo;

/// <summary>Channels that the server has subscribed the connection to: no publication twice, and no gap without an event.</summary>
public sealed class ServerChannelsTests : CentrifugoFixture
{
    private const string Empty =
        "\"ping\":25,\"pong\":true,\"subs\":{\"s\":{\"recoverable\":true,\"positioned\":true,\"epoch\":\"e\",\"offset\":0}}";

    [Fact]
    public async Task AfterALostConnection_RecoversMissedPublications_Once()
    {
        await ConnectAsync(Empty);
        Server.Publish("s", 1);
        Server.Publish("s", 2);
        await ExpectAsync(1, 2);

        await Server.LoseConnectionAsync(Events, Time);
        JsonElement connect = await Server.AcceptAsync(Subs("\"recovered\":true,\"was_recovering\":true,\"offset\":4", 2, 3, 4));
        await Events.NextAsync<Connected>();
        Server.Publish("s", 4); // was in flight already
        Server.Publish("s", 5);

        Assert.Equal("""{"s":{"recover":true,"epoch":"e","offset":2}}""", connect.GetProperty("subs").GetRawText());
        await ExpectAsync(3, 4, 5);
    }

    [Fact]
    public async Task AfterALoss_ReportsItFirst()
    {
        await ConnectAsync(Empty);
        Server.Publish("s", 1);
        await ExpectAsync(1);

        await Server.LoseConnectionAsync(Events, Time);
        await Server.AcceptAsync(Subs("\"recovered\":false,\"was_recovering\":true,\"offset\":9"));
        await Events.NextAsync<Connected>();
        Server.Publish("s", 10);

        Assert.Equal(new ServerPositionLost("s"), await Events.NextAsync());
        await ExpectAsync(10);
        await Server.LoseConnectionAsync(Events, Time);
        Assert.Equal(10UL, (await Server.AcceptAsync(Empty)).GetProperty("subs").GetProperty("s").GetProperty("offset").GetUInt64());
    }

    [Fact]
    public async Task ChannelWithoutHistory_IsALossAtEachConnection()
    {
        const string Plain = "\"subs\":{\"s\":{}}";
        await ConnectAsync(Plain);
        Server.Connection.SendToClient("""{"push":{"channel":"s","pub":{"data":1}}}""");
        await Events.NextAsync<ServerPublished>();

        await Server.LoseConnectionAsync(Events, Time);
        JsonElement connect = await Server.AcceptAsync(Plain);

        Assert.False(connect.TryGetProperty("subs", out _));
        await Events.NextAsync<Connected>();
        Assert.Equal(new ServerPositionLost("s"), await Events.NextAsync());
    }

    [Fact]
    public async Task SubscribedLater_AndUnsubscribed_AndLeftOut()
    {
        await ConnectAsync();
        Server.Connection.SendToClient("""{"push":{"channel":"t","subscribe":{"recoverable":true,"epoch":"e","offset":7,"positioned":true}}}""");
        Server.Publish("t", 7); // before the subscription
        Server.Publish("t", 8);
        Assert.Equal(8UL, (await Events.NextAsync<ServerPublished>()).Publication.Offset);
        Server.Connection.SendToClient("""{"push":{"channel":"t","unsubscribe":{"code":2000,"reason":"over"}}}""");
        Assert.Equal(new ServerUnsubscribed("t", 2000, "over"), await Events.NextAsync());
        Server.Connection.SendToClient("""{"push":{"channel":"u","subscribe":{}}}""");

        await Server.LoseConnectionAsync(Events, Time);
        JsonElement connect = await Server.AcceptAsync();

        Assert.False(connect.TryGetProperty("subs", out _));
        await Events.NextAsync<Connected>();
        Assert.Equal("u", (await Events.NextAsync<ServerUnsubscribed>()).Channel);
    }

    [Fact]
    public async Task SlowReader_IsNotifiedOfWhatWasDropped()
    {
        Options.InboxCapacity = 2;
        Client.Start();
        await Server.AcceptAsync(Empty);
        for (ulong n = 1; n <= 10; n++)
        {
            Server.Publish("s", n);
        }

        Server.Connection.SendToClient("{}");
        await Server.ReceivePongAsync(); // all of them have been read

        Assert.Equal(new ServerPositionLost("s"), await Events.NextAsync());
        await ExpectAsync(9, 10);
    }

    private static string Subs(string fields, params ulong[] publications)
        => $"\"ping\":25,\"pong\":true,\"subs\":{{\"s\":{{\"recoverable\":true,\"positioned\":true,\"epoch\":\"e\",{fields},\"publications\":[{string.Join(',', publications.Select(static offset => ScriptedServer.Publication(offset)))}]}}}}";

    private async Task ExpectAsync(params ulong[] numbers)
    {
        foreach (ulong number in numbers)
        {
            Assert.Equal(number, (await Events.NextAsync<ServerPublished>()).Publication.Offset);
        }
    }
}
