using System.Text.Json;
using Weir.Integration.Relay;
using Weir.Testing;
using Xunit;

namespace Weir.Integration.Auth;

/// <summary>Centrifugo's protocol where tokens are needed: the same rights as at any other endpoint.</summary>
public sealed class CentrifugoAccessTests(AuthHost server) : IClassFixture<AuthHost>
{
    [Theory]
    [InlineData("")]
    [InlineData("garbage")]
    public async Task Token_ThatIsNotGood_IsTheEnd(string token)
    {
        using RawClient client = await OpenAsync();

        await client.SendTextAsync($$"""{"id":1,"connect":{"token":"{{token}}"} }""");

        Assert.Equal(3500, (await client.ReadFrameAsync()).CloseCode);
    }

    [Fact]
    public async Task Token_ThatHasExpired_MayBeReplaced()
    {
        using RawClient client = await OpenAsync();

        JsonElement reply = await AskAsync(client, $$"""{"id":1,"connect":{"token":"{{Tokens.Make("\"sub\":\"u1\",\"exp\":1")}}"} }""");

        Assert.Equal(109, reply.GetProperty("error").GetProperty("code").GetInt32());
    }

    [Fact]
    public async Task GoodToken_GrantsTheSameAsElsewhere()
    {
        string room = RelayHost.NewRoom("private");
        string forRoom = Tokens.Make($"\"sub\":\"u1\",\"channel\":\"{room}\"");
        string connect = Tokens.Make($"\"sub\":\"u1\",\"channels\":[\"chat:*\"],\"subs\":{{\"own:u1\":{{}}}},\"exp\":{Tokens.In(600)}");
        using RawClient client = await OpenAsync();
        JsonElement connected = (await AskAsync(client, $$"""{"id":1,"connect":{"token":"{{connect}}"} }""")).GetProperty("connect");
        Assert.InRange(connected.GetProperty("ttl").GetInt64(), 1, 600);
        Assert.True(connected.GetProperty("subs").TryGetProperty("own:u1", out _));

        Assert.True((await AskAsync(client, """{"id":2,"subscribe":{"channel":"chat:1"}}""")).TryGetProperty("subscribe", out _));
        Assert.Equal(103, await ErrorOfAsync(client, """{"id":3,"subscribe":{"channel":"other"}}"""));
        Assert.Equal(103, await ErrorOfAsync(client, $$"""{"id":4,"subscribe":{"channel":"{{room}}"} }"""));
        Assert.Equal(103, await ErrorOfAsync(client, $$"""{"id":5,"publish":{"channel":"{{room}}","data":1} }"""));
        Assert.Equal(103, await ErrorOfAsync(client, """{"id":6,"publish":{"channel":"news:1","data":1}}"""));
        Assert.True((await AskAsync(client, $$"""{"id":7,"subscribe":{"channel":"{{room}}","token":"{{forRoom}}"} }"""))
            .TryGetProperty("subscribe", out _));

        using RawClient raw = await server.Process.OpenAsync($"/ws?room={room}&token={connect}&room_token={forRoom}");
        await client.SendTextAsync($$"""{"id":8,"publish":{"channel":"{{room}}","data":"in private"} }""");
        Assert.Equal("\"in private\"", (await raw.ReadFrameAsync()).Text);
    }

    private async Task<RawClient> OpenAsync()
    {
        RawClient client = await server.Process.ConnectAsync();
        await client.HandshakeAsync("/connection/websocket", "", $"127.0.0.1:{server.Process.Port}");
        return client;
    }

    private static async Task<int> ErrorOfAsync(RawClient client, string command)
        => (await AskAsync(client, command)).GetProperty("error").GetProperty("code").GetInt32();

    private static async Task<JsonElement> AskAsync(RawClient client, string command)
    {
        await client.SendTextAsync(command);
        int id = JsonDocument.Parse(command).RootElement.GetProperty("id").GetInt32();
        while (true)
        {
            string[] replies = (await client.ReadFrameAsync()).Text.Split('\n');
            foreach (JsonElement reply in replies.Select(static text => JsonDocument.Parse(text).RootElement))
            {
                if (reply.TryGetProperty("id", out JsonElement answered) && answered.GetInt32() == id)
                {
                    return reply;
                }
            }
        }
    }
}
