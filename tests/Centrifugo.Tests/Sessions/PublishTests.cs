using Weir.Relay.Access;
using Weir.Relay.Brokers;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Protocols.Centrifugo.Tests.Sessions;

public sealed class PublishTests
{
    [Fact]
    public async Task Publish_ReachesAllSubscribers_ThePublisherToo_WithItsInfo()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        world.Access.OnConnect = static token
            => ConnectResult.Allow(new ClientIdentity { User = token ?? "", Info = """{"n":1}"""u8.ToArray() });
        TestClient publisher = await world.ConnectAsync("alice");
        await publisher.SubscribeAsync("a");
        TestClient other = await world.SubscribeAsync("a");
        long before = world.Hub.Members.Deliveries;

        await publisher.SendAsync("""{"id":7,"publish":{"channel":"a","data":{"text": "hi"}}}""");

        string[] received = [await publisher.ReadAsync(), await publisher.ReadAsync()];
        Assert.Contains("""{"id":7,"publish":{}}""", received);
        Assert.Contains(TestClient.Push("a", "pub", """{"data":{"text": "hi"},"info":{"client":"ID","user":"alice","conn_info":{"n":1}}}"""), received);
        Assert.Equal(
            TestClient.Push("a", "pub",
                $$$$"""{"data":{"text": "hi"},"info":{"client":"{{{{publisher.Id}}}}","user":"alice","conn_info":{"n":1}}}"""),
            await other.ReadAsync());
        await Bounded.Eventually(() => world.Hub.Members.Deliveries - before == 2); // one run of frames, shared
    }

    [Theory]
    [InlineData("""{"channel":"a"}""", 107, "bad request")]
    [InlineData("""{"data":1}""", 107, "bad request")]
    [InlineData("""{"channel":"$weir:nodes","data":1}""", 102, "unknown channel")]
    [InlineData("""{"channel":"closed","data":1}""", 103, "permission denied")]
    public async Task PublishThatMayNotBe_IsRefused(string request, int code, string message)
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        world.Access.OnPublish = static room => room != "closed";
        TestClient client = await world.ConnectAsync();

        Assert.Equal($$$"""{"error":{"code":{{{code}}},"message":"{{{message}}}"}}""", await client.AskAsync("publish", request));
    }

    [Fact]
    public async Task PublishesOnTheirWay_DoNotHoldUpTheNext_AndAreAnsweredWhenStored()
    {
        ScriptedBroker broker = new();
        List<TaskCompletionSource<StreamPosition>> stored = [];
        broker.OnPublish = (_, _) =>
        {
            TaskCompletionSource<StreamPosition> one = new(TaskCreationOptions.RunContinuationsAsynchronously);
            stored.Add(one);
            return new(one.Task);
        };
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync(broker);
        TestClient client = await world.ConnectAsync();

        await client.SendAsync("""{"id":2,"publish":{"channel":"durable:a","data":1}}""",
            """{"id":3,"publish":{"channel":"durable:a","data":2}}""");
        Assert.Equal("""{"error":{"code":104,"message":"method not found"}}""", await client.AskAsync("fly", "{}"));
        Assert.Equal(2, stored.Count);
        stored[1].SetResult(new StreamPosition("e1", 2));
        Assert.Equal("""{"id":3,"publish":{}}""", await client.ReadAsync());
        stored[0].SetException(new BrokerUnavailableException("Away.", isUnknown: false));

        Assert.Equal("""{"id":2,"error":{"code":100,"message":"internal server error","temporary":true}}""", await client.ReadAsync());
    }

    [Fact]
    public async Task ChannelIsARoom_ItsRawMembersAndItsSubscribersReceiveEachOthersMessages()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        TestClient client = await world.SubscribeAsync("a");
        RawMember raw = await RawMember.JoinAsync(world, "a");

        await raw.SendAsync("""{"from": "raw"}""");
        Assert.Equal(TestClient.Push("a", "pub", """{"data":{"from": "raw"}}"""), await client.ReadAsync());
        await raw.SendAsync("no JSON");
        Assert.Equal(TestClient.Push("a", "pub", """{"data":"no JSON"}"""), await client.ReadAsync());
        await raw.SendAsync([1, 2, 3]);
        Assert.Equal(TestClient.Push("a", "pub", """{"data":"AQID","tags":{"encoding":"base64"}}"""), await client.ReadAsync());
        await client.SendAsync("""{"id":9,"publish":{"channel":"a","data": {"b" : [1, 2.0]} }}""");

        await raw.ReceivesAsync("""{"b" : [1, 2.0]}""");
    }

    [Fact]
    public async Task Burst_KeepsItsOrder_InOneChannelWithHistory()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        TestClient listener = await world.SubscribeAsync("kept:a");
        TestClient publisher = await world.ConnectAsync();

        await publisher.SendAsync(
            [.. Enumerable.Range(1, 500).Select(static i => $$$"""{"id":{{{i + 1}}},"publish":{"channel":"kept:a","data":{{{i}}}}}""")]);

        for (int i = 1; i <= 500; i++)
        {
            Assert.StartsWith($$$"""{"push":{"channel":"kept:a","pub":{"data":{{{i}}},"offset":{{{i}}},""", await listener.ReadAsync(),
                StringComparison.Ordinal);
        }

        Assert.Equal(
            string.Join('\n', Enumerable.Range(1, 500).Select(static i => $$$"""{"id":{{{i + 1}}},"publish":{}}""")),
                await publisher.ReadFrameAsync());
    }
}
