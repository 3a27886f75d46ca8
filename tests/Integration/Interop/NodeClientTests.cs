using System.Text.Json;
using Weir.Integration.Servers;
using Xunit;

namespace Weir.Integration.Interop;

/// <summary>The npm package "ws" as client, in <c>clients/ws-client.mjs</c>.</summary>
public sealed class NodeClientTests(EmbeddedApplication application)
{
    private static readonly int[] _sizes = [0, 1, 125, 126, 127, 1000, 4096, 65535, 65536, 300000, 1048576];

    private readonly TestServer _server = application.Server;

    [Theory]
    [InlineData("echo", "/echo", false)]
    [InlineData("echo", "/echo", true)]
    [InlineData("deflate", "/deflate", false)]
    [InlineData("deflate", "/deflate/contexts", true)]
    public async Task Echo_OfEachSize_IsRight(string scenario, string path, bool tls)
    {
        JsonElement result = await RunAsync(scenario, path, tls);

        int[] right = result.GetProperty("sizes").Deserialize<int[]>()!;
        Assert.Equal(_sizes.SelectMany(static size => (int[])[size, size]), right); // random bytes and repetitive ones
        Assert.Equal("Stauwehr 🏞️", result.GetProperty("text").GetString());
        Assert.False(result.GetProperty("textIsBinary").GetBoolean());
        Assert.Equal(1000, result.GetProperty("close")[0].GetInt32());
        if (scenario == "deflate")
        {
            Assert.Equal("permessage-deflate", result.GetProperty("extensions").GetString());
        }
    }

    [Fact]
    public async Task Ping_OfEachSize_IsAnswered()
    {
        JsonElement result = await RunAsync("ping", "/echo");

        Assert.Equal(["", "one", new string('x', 125)], result.GetProperty("pongs").Deserialize<string[]>()!);
        Assert.Equal("still there", result.GetProperty("echo").GetString());
    }

    [Fact]
    public async Task CloseCodes_BothWays_Arrive()
    {
        JsonElement result = await RunAsync("codes", "/echo");

        Assert.Equal([1000, 1001, 1011, 3000, 4999], result.GetProperty("byClient").EnumerateArray()
            .Select(static pair => pair[0].GetInt32()));
        Assert.Equal([1000, 1013, 4000], result.GetProperty("byServer").EnumerateArray().Select(static pair => pair[0].GetInt32()));
        Assert.All(result.GetProperty("byServer").EnumerateArray(), static pair => Assert.Equal("because", pair[1].GetString()));
    }

    [Theory]
    [InlineData("/echo")]
    [InlineData("/deflate")]
    public async Task Fragments_WithAPingBetween_AreOneMessage(string path)
    {
        JsonElement result = await RunAsync("fragments", path);

        Assert.Equal("fragmented", result.GetProperty("echo").GetString());
    }

    [Fact]
    public async Task MessageTooBig_IsClosedWith1009()
    {
        JsonElement result = await RunAsync("tooBig", "/echo");

        Assert.Equal(1009, result.GetProperty("code").GetInt32());
    }

    [Fact]
    public async Task Relay_BetweenTwoClients_KeepsKindsAndRoomsApart()
    {
        JsonElement result = await RunAsync("relay", "/relay");

        Assert.Equal("text for the room", result.GetProperty("text").GetString());
        Assert.False(result.GetProperty("textIsBinary").GetBoolean());
        Assert.Equal([1, 2, 3], result.GetProperty("bytes").Deserialize<int[]>()!);
        Assert.True(result.GetProperty("bytesIsBinary").GetBoolean());
        Assert.Equal(0, result.GetProperty("own").GetInt32());
        Assert.Equal(0, result.GetProperty("strangers").GetInt32());
    }

    [Fact]
    public async Task Refusal_HasItsStatus()
    {
        JsonElement result = await RunAsync("refused", "/relay");

        Assert.Equal(400, result.GetProperty("status").GetInt32());
    }

    private Task<JsonElement> RunAsync(string scenario, string path, bool tls = false) =>
        NodeScript.RunAsync("ws-client.mjs", scenario, _server.Address(path, tls).ToString());
}
