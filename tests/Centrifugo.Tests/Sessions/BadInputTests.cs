using Weir.Protocols.Centrifugo.Applications;
using Weir.Relay.Access;
using Xunit;

namespace Weir.Protocols.Centrifugo.Tests.Sessions;

/// <summary>An invalid command is answered with an error: no other client is affected, and the connection stays open.</summary>
public sealed class BadInputTests
{
    private const string BadRequest = """{"error":{"code":107,"message":"bad request"}}""";

    [Theory]
    [InlineData("subscribe", """{"channel":"\ud800"}""")]
    [InlineData("subscribe", """{"channel":"a","recover":true,"epoch":"\ud800"}""")]
    [InlineData("subscribe", """{"channel":"a","token":"\udfff"}""")]
    [InlineData("subscribe", """{"channel":7}""")]
    [InlineData("unsubscribe", """{"channel":"\ud800"}""")]
    [InlineData("publish", """{"channel":"\ud800","data":1}""")]
    [InlineData("publish", """{"ch\ud800annel":"a","data":1}""")]
    [InlineData("history", """{"channel":"a","since":{"epoch":"\ud800"}}""")]
    [InlineData("history", """{"channel":"a","since":{"offset":9223372036854775808}}""")]
    [InlineData("presence", """{"channel":"\ud800"}""")]
    [InlineData("presence_stats", """{"channel":"\ud800"}""")]
    [InlineData("rpc", """{"method":"\ud800"}""")]
    [InlineData("refresh", """{"token":"\ud800"}""")]
    [InlineData("sub_refresh", """{"channel":"\ud800"}""")]
    public async Task Command_ThatCannotBeRead_IsError107_AndIsNotLogged(string method, string request)
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        TestClient client = await world.ConnectAsync();

        Assert.Equal(BadRequest, await client.AskAsync(method, request));

        Assert.Equal("""{"publish":{}}""", await client.AskAsync("publish", """{"channel":"a","data":1}"""));
        Assert.Empty(world.Log.Of("CommandFailed"));
    }

    [Fact]
    public async Task Connect_ThatCannotBeRead_IsError107_AndAnotherMayFollow()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        TestClient client = await world.OpenAsync();

        await client.SendAsync($$$"""{"id":1,"connect":{"data":{{{Deep(65)}}}}}""", """{"id":2,"publish":{"channel":"a","data":1}}""");
        Assert.Equal("""{"id":1,"error":{"code":107,"message":"bad request"}}""", await client.ReadAsync());
        await client.SendAsync($$$"""{"id":3,"connect":{"data":{{{Deep(64)}}}}}""");

        Assert.StartsWith("""{"id":3,"connect":{""", await client.ReadAsync(), StringComparison.Ordinal);
    }

    // One limit wherever JSON is taken or handed out.
    [Theory]
    [InlineData(64)]
    [InlineData(65)]
    public async Task Depth_UpToTheLimit_IsCarried_BeyondItIsError107(int depth)
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync(application: new Echo());
        TestClient listener = await world.SubscribeAsync("kept:a");
        TestClient client = await world.ConnectAsync();
        bool isTaken = depth <= 64;

        Assert.Equal(
            isTaken ? """{"publish":{}}""" : BadRequest,
                await client.AskAsync("publish", $$"""{"channel":"kept:a","data":{{Deep(depth)}}}"""));
        Assert.Equal(
            isTaken ? $$$"""{"rpc":{"data":{{{Deep(depth)}}}}}""" : BadRequest,
                await client.AskAsync("rpc", $$"""{"method":"m","data":{{Deep(depth)}}}"""));
        if (isTaken)
        {
            Assert.Contains($"\"data\":{Deep(depth)},", await listener.ReadAsync(), StringComparison.Ordinal);
            Assert.Contains($"\"data\":{Deep(depth)},", await client.AskAsync("history", """{"channel":"kept:a","limit":-1}"""),
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task InfoOverSeveralLines_DoesNotBreakTheMessageInTwo()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        world.Access.OnConnect = static _ => ConnectResult.Allow(new ClientIdentity { Info = "{\r\n\"n\":\n1}"u8.ToArray() });
        TestClient watcher = await world.SubscribeAsync("present:a", ""","join_leave":true""");
        string join = await watcher.ReadFrameAsync();
        TestClient other = await world.ConnectAsync();

        string presence = await other.AskAsync("presence", """{"channel":"present:a"}""");

        Assert.Contains("\"conn_info\":{  \"n\": 1}", join, StringComparison.Ordinal);
        Assert.Contains("\"conn_info\":{  \"n\": 1}", presence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InfoThatIsNotUtf8_IsLeftOut()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        world.Access.OnConnect = static _ => ConnectResult.Allow(new ClientIdentity { Info = new byte[] { (byte)'"', 0xFF, (byte)'"' } });
        TestClient client = await world.SubscribeAsync("present:a");

        string presence = await client.AskAsync("presence", """{"channel":"present:a"}""");

        Assert.DoesNotContain("conn_info", presence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ApplicationsMessage_ThatIsNotUtf8_IsTheCallersMistake()
    {
        Echo application = new();
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync(application: application);
        TestClient client = await world.ConnectAsync();
        await client.AskAsync("rpc", """{"method":"m","data":1}""");

        Assert.Throws<ArgumentException>(() => application.Client!.Send(new byte[] { (byte)'"', 0xED, 0xA0, 0x80, (byte)'"' }));
    }

    private static string Deep(int depth) => new string('[', depth) + new string(']', depth);

    private sealed class Echo : CentrifugoApplication
    {
        public CentrifugoSession? Client { get; private set; }

        public override ValueTask<RpcReply> OnRpcAsync(CentrifugoSession client, string method, ReadOnlyMemory<byte> data)
        {
            Client = client;
            return new(RpcReply.Of(data.ToArray()));
        }
    }
}
