using System.Diagnostics;
using System.Text.Json;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Centrifugo;

/// <summary>Weir:Limits:MessagesPerSecond, at every endpoint: one a second, and five at once.</summary>
public sealed class RateTests
{
    private const int Burst = 5;

    [Theory]
    [InlineData("websocket")]
    [InlineData("sse")]
    [InlineData("http_stream")]
    public async Task Publishes_BeyondTheLimit_AreNotPublished_AndTheClientReconnects(string transport)
    {
        await using HostProcess host = await StartAsync();
        await using SdkProcess sdk = await SdkProcess.StartAsync("node", transport, host.Port);
        long began = Stopwatch.GetTimestamp();
        await sdk.DoAsync("""{"do":"connect"}""");

        Task<JsonElement>[] publishes =
            [.. Enumerable.Range(0, 50).Select(i => sdk.TryAsync($$"""{"do":"publish","channel":"a","data":{{i}}}"""))];
        JsonElement left = await sdk.ReceivesAsync("connecting", static each => each.GetProperty("code").GetInt32() == 3013);

        Assert.Equal("too many requests", left.GetProperty("reason").GetString());
        await sdk.DoAsync("""{"do":"disconnect"}""");
        JsonElement[] outcomes = await Task.WhenAll(publishes).Within(TimeSpan.FromSeconds(30));

        // Each connection begins with a burst, of which its connect is one, and may have one more for each second.
        int most = (sdk.EventsOf("connected").Count() * (Burst - 1)) + (int)Math.Ceiling(Stopwatch.GetElapsedTime(began).TotalSeconds);
        Assert.InRange(outcomes.Count(static each => each.TryGetProperty("result", out _)), 1, most);
    }

    [Fact]
    public async Task FirstBodyOfAStream_CountsEachOfItsCommands()
    {
        await using HostProcess host = await StartAsync();
        using RawClient member = await host.OpenAsync("/ws?room=a");
        using HttpClient http = Relay.RelayHost.NewClient(host);
        string body = string.Join('\n', ["""{"id":1,"connect":{}}""", .. Enumerable.Range(2, 30)
            .Select(static id => $$$"""{"id":{{{id}}},"publish":{"channel":"a","data":{{{id}}}}}""")]);
        using HttpRequestMessage request = new(HttpMethod.Post, "/connection/http_stream") { Content = new StringContent(body) };

        using HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead).Within();

        using StreamReader lines = new(await response.Content.ReadAsStreamAsync().Within());
        List<JsonElement> replies = [];
        while (replies.Count < 31)
        {
            replies.Add(JsonDocument.Parse((await lines.ReadLineAsync().Within())!).RootElement);
        }

        JsonElement[] refused = [.. replies.Where(static each => each.TryGetProperty("error", out _))];
        Assert.Equal(31 - Burst, refused.Length);
        Assert.All(refused, static each => Assert.Equal(111, each.GetProperty("error").GetProperty("code").GetInt32()));
        for (int i = 0; i < Burst - 1; i++)
        {
            Assert.Equal($"{i + 2}", (await member.ReadFrameAsync()).Text);
        }
    }

    private static Task<HostProcess> StartAsync() => HostProcess.StartAsync(
        ("Weir__Limits__MessagesPerSecond", "1"), ("Weir__Limits__Burst", "5s"));
}
