using System.Net;
using Weir.Integration.Relay;
using Weir.Testing;
using Xunit;

namespace Weir.Integration.Auth;

/// <summary>Server-Sent Events where tokens are needed.</summary>
public sealed class StreamAccessTests(AuthHost server) : IClassFixture<AuthHost>
{
    [Fact]
    public async Task Token_ThatIsNotGood_Is401WithAChallenge()
    {
        foreach (string token in (string[])["", "&token=garbage", "&token=" + Tokens.Make("\"sub\":\"u1\",\"exp\":1")])
        {
            using HttpResponseMessage response = await server.Http.GetAsync("/sse?room=open:x" + token).Within();

            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
            Assert.Equal("Bearer", Assert.Single(response.Headers.WwwAuthenticate).Scheme);
        }
    }

    [Fact]
    public async Task Room_ThatIsNotGranted_Is403()
    {
        using HttpResponseMessage response = await server.Http.GetAsync($"/sse?room=other&token={Tokens.Make("\"sub\":\"u1\"")}").Within();

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }

    [Fact]
    public async Task GoodToken_Listens_AndIsPresent()
    {
        string room = RelayHost.NewRoom("open");
        using EventStream stream = await EventStream.OpenAsync(server.Http, $"/sse?room={room}&token={Tokens.Make("\"sub\":\"ada\"")}");

        await RelayHost.CallAsync(server.Http, "publish", $$"""{"channel":"{{room}}","data":"hello"}""");

        Assert.Equal("\"hello\"", (await stream.ReadAsync()).Data);
        Assert.Contains("\"user\":\"ada\"", (await RelayHost.CallAsync(server.Http, "presence", $$"""{"channel":"{{room}}"}"""))
            .GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Expiry_EndsTheStreamWithTheReason()
    {
        using EventStream stream = await EventStream.OpenAsync(
            server.Http, $"/sse?room=open:x&token={Tokens.Make($"\"sub\":\"u1\",\"exp\":{Tokens.In(5)}")}");

        StreamEvent last = await stream.ReadAsync();

        Assert.Equal(("expired", "token expired"), (last.Name, last.Data));
        Assert.Null(await stream.ReadOrEndAsync());
    }

    [Fact]
    public async Task Api_KeepsToItsKey()
    {
        using HttpResponseMessage response = await RelayHost.SendAsync(
            server.Http, "publish", """{"channel":"open:x","data":1}""", key: Tokens.Make("\"sub\":\"u1\""));

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }
}
