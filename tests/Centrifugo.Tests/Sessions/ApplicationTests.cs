using System.Text;
using Weir.Protocol;
using Weir.Protocols.Centrifugo.Applications;
using Xunit;

namespace Weir.Protocols.Centrifugo.Tests.Sessions;

/// <summary>What is the application's own: RPC, and messages without an answer.</summary>
public sealed class ApplicationTests
{
    [Fact]
    public async Task Rpc_WithoutAHandler_IsNotAvailable_AndMessagesAreIgnored()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        TestClient client = await world.ConnectAsync();
        await client.SendAsync("""{"send":{"data":1}}""");

        Assert.Equal("""{"error":{"code":108,"message":"not available"}}""", await client.AskAsync("rpc", """{"method":"m","data":1}"""));
    }

    [Theory]
    [InlineData("echo", """{"a": 1}""", """{"rpc":{"data":{"a": 1}}}""")]
    [InlineData("nothing", "1", """{"rpc":{}}""")]
    [InlineData("fail", "1", """{"error":{"code":400,"message":"no such order"}}""")]
    [InlineData("later", "1", """{"error":{"code":401,"message":"busy","temporary":true}}""")]
    [InlineData("unknown", "1", """{"error":{"code":104,"message":"method not found"}}""")]
    [InlineData("throw", "1", """{"error":{"code":100,"message":"internal server error","temporary":true}}""")]
    [InlineData("nonsense", "1", """{"error":{"code":100,"message":"internal server error","temporary":true}}""")]
    public async Task Rpc_IsAnsweredByTheApplication(string method, string data, string reply)
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync(application: new Application());
        TestClient client = await world.ConnectAsync();

        Assert.Equal(reply, await client.AskAsync("rpc", $$$"""{"method":"{{{method}}}","data":{{{data}}}}"""));
    }

    [Fact]
    public async Task Message_ReachesTheApplication_WhichMaySendOneAndDisconnect()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync(application: new Application());
        TestClient client = await world.ConnectAsync();

        await client.SendAsync("""{"send":{"data":{"hello": 1}}}""");

        Assert.Equal("""{"push":{"message":{"data":{"hello": 1}}}}""", await client.ReadAsync());
        Assert.Equal("close 4100 enough", await client.ReadAsync());
    }

    [Fact]
    public void CodesThatAreNotAnApplications_AreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(static () => RpcReply.Fail(399, ""));
        Assert.Throws<ArgumentOutOfRangeException>(static () => RpcReply.Fail(2000, ""));
    }

    private sealed class Application : CentrifugoApplication
    {
        public override async ValueTask<RpcReply> OnRpcAsync(CentrifugoSession client, string method, ReadOnlyMemory<byte> data)
        {
            await Task.Yield();
            return method switch
            {
                "echo" => RpcReply.Of(data.ToArray()),
                "nothing" => RpcReply.Of(default),
                "fail" => RpcReply.Fail(400, "no such order"),
                "later" => RpcReply.Fail(401, "busy", isTemporary: true),
                "throw" => throw new InvalidOperationException("The application's trouble."),
                "nonsense" => RpcReply.Of(Encoding.UTF8.GetBytes("{")),
                _ => await base.OnRpcAsync(client, method, data),
            };
        }

        public override ValueTask OnMessageAsync(CentrifugoSession client, ReadOnlyMemory<byte> data)
        {
            Assert.Throws<ArgumentException>(() => client.Send("{"u8.ToArray()));
            client.Send(data);
            client.Disconnect((CloseCode)4100, "enough");
            return default;
        }
    }
}
