using Weir.Testing;
using Xunit;

namespace Weir.Protocols.Centrifugo.Tests.Sessions;

/// <summary>How much one client may send: the endpoint's limit, in the protocol's words. Five a second, and five at once.</summary>
public sealed class RateTests
{
    private const string Refused = "\"error\":{\"code\":111,\"message\":\"too many requests\",\"temporary\":true}}";

    [Fact]
    public async Task FrameWithManyCommands_CountsAsMany_AndTheRestIsError111()
    {
        await using CentrifugoWorld world = await StartAsync();
        RawMember member = await RawMember.JoinAsync(world, "a");
        TestClient client = await world.ConnectAsync();

        await client.SendAsync(
            [.. Enumerable.Range(2, 30).Select(static id => $$$"""{"id":{{{id}}},"publish":{"channel":"a","data":{{{id}}}}}""")]);

        string[] replies = (await client.ReadFrameAsync()).Split('\n');
        Assert.Equal(
            [.. Enumerable.Range(2, 4).Select(static id => $$$"""{"id":{{{id}}},"publish":{}}"""), .. Enumerable.Range(6, 26)
                .Select(static id => $"{{\"id\":{id},{Refused}")],
            replies);
        await member.ReceivesAsync("2", "3", "4", "5"); // the connect was the fifth
        world.Wait(TimeSpan.FromSeconds(2));
        Assert.Equal("""{"publish":{}}""", await client.AskAsync("publish", """{"channel":"a","data":99}"""));
    }

    [Fact]
    public async Task Subscribes_OfAReconnectingClient_AreRefusedTemporarily_AndTheConnectionStays()
    {
        await using CentrifugoWorld world = await StartAsync();
        TestClient client = await world.OpenAsync();

        await client.SendAsync(["""{"id":1,"connect":{}}""", .. Enumerable.Range(2, 6)
            .Select(static id => $$$"""{"id":{{{id}}},"subscribe":{"channel":"c{{{id}}}"}}""")]);

        Assert.StartsWith("""{"id":1,"connect":""", await client.ReadAsync(), StringComparison.Ordinal);
        List<string> replies = [];
        for (int id = 2; id <= 7; id++)
        {
            replies.Add(await client.ReadAsync());
        }

        Assert.Equal(4, replies.Count(static reply => reply.EndsWith("\"subscribe\":{}}", StringComparison.Ordinal)));
        Assert.Equal(2, replies.Count(static reply => reply.EndsWith(Refused, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task MessagesWithoutAnswer_BeyondTheLimit_EndTheConnection()
    {
        await using CentrifugoWorld world = await StartAsync();
        TestClient client = await world.ConnectAsync();

        await client.SendAsync([.. Enumerable.Repeat("""{"send":{"data":1}}""", 30)]);

        Assert.Equal("close 3013 too many requests", await client.ReadFrameAsync());
    }

    [Fact]
    public async Task Frames_BeyondTheLimit_AreClosedInTheProtocolsWords()
    {
        await using CentrifugoWorld world = await StartAsync();
        RawMember member = await RawMember.JoinAsync(world, "a");
        TestClient client = await world.ConnectAsync();

        await client.SendFrameAsync([.. Enumerable.Range(2, 30)
            .SelectMany(static id => Frames.Text($$$"""{"id":{{{id}}},"publish":{"channel":"a","data":{{{id}}}}}"""))]);

        string last;
        do
        {
            last = await client.ReadFrameAsync();
        }
        while (!last.StartsWith("close", StringComparison.Ordinal));

        Assert.Equal("close 3013 too many requests", last);
        await member.ReceivesAsync("2", "3", "4", "5");
    }

    private static Task<CentrifugoWorld> StartAsync() => CentrifugoWorld.StartAsync(configure: static options =>
    {
        options.Inbound.MessagesPerSecond = 5;
        options.Inbound.Burst = TimeSpan.FromSeconds(1);
    });
}
