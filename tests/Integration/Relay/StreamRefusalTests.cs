using System.Globalization;
using System.Text.RegularExpressions;
using Weir.Integration.Hosting;
using Weir.Integration.Servers;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Relay;

/// <summary>
/// The answer to a client of a stream that cannot be served now: a browser's EventSource reconnects only after a 200 that
/// ends, so that is what it gets, with the delay before it reconnects; any other client gets the status.
/// </summary>
public sealed partial class StreamRefusalTests
{
    private const string Sse = "/sse?room=a";
    private const string Events = "/connection/sse?cf_connect={\"id\":1,\"connect\":{}}";

    private static readonly TimeSpan _browserLimit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Full_ToAnEventSource_Is200WithRetryAndTheEnd_ToOthersTheStatus()
    {
        await using HostProcess small = await HostProcess.StartAsync(("Weir__Limits__MaxConnections", "1"));
        using HttpClient http = RelayHost.NewClient(small);
        using RawClient socket = await small.OpenAsync("/ws?room=a");

        (int status, string body) = await AskAsync(http, Sse, "text/event-stream");
        Assert.Equal(200, status);
        Assert.InRange(RetryOf(body), 5000, 15000);
        Assert.DoesNotContain("data:", body, StringComparison.Ordinal);
        (status, body) = await AskAsync(http, Events, "text/event-stream");
        Assert.Equal(200, status);
        Assert.InRange(RetryOf(body), 5000, 15000);
        Assert.EndsWith("data: {\"push\":{\"disconnect\":{\"code\":3013,\"reason\":\"too many requests\"}}}\n\n", body,
            StringComparison.Ordinal);
        Assert.Equal(503, (await AskAsync(http, Sse, "*/*")).Status);
        Assert.Equal(503, (await AskAsync(http, Sse, accept: null)).Status);
        Assert.Equal(503, (await AskAsync(http, "/connection/http_stream", "application/json", HttpMethod.Post)).Status);
        Assert.True(await small.MetricAsync("weir_handshakes_refused_total") >= 5, "Refusals are counted as ever.");
    }

    [Fact]
    public async Task AddressFull_ToAnEventSource_Is200WithRetry_ToOthersTheStatus()
    {
        await using HostProcess small = await HostProcess.StartAsync(("Weir__Limits__MaxConnectionsPerAddress", "1"));
        using HttpClient http = RelayHost.NewClient(small);
        using RawClient socket = await small.OpenAsync("/ws?room=a");

        (int status, string body) = await AskAsync(http, Sse, "text/event-stream");

        Assert.Equal(200, status);
        Assert.InRange(RetryOf(body), 5000, 15000);
        Assert.Equal(429, (await AskAsync(http, Sse, "*/*")).Status);
    }

    [Fact]
    public async Task TooManyHandshakes_EachEventSourceGetsATurnOfItsOwn()
    {
        await using HostProcess slow =
            await HostProcess.StartAsync(("Weir__Limits__HandshakesPerSecond", "1"), ("Weir__Limits__HandshakeBurst", "1"));
        using HttpClient http = RelayHost.NewClient(slow);
        List<int> turns = [];
        while (turns.Count < 8)
        {
            using HttpResponseMessage response =
                await http.SendAsync(Request(Sse, "text/event-stream"), HttpCompletionOption.ResponseHeadersRead).Within();
            using StreamReader reader = new(await response.Content.ReadAsStreamAsync().Within());
            if (await reader.ReadLineAsync().Within() is [':', ' ', ..])
            {
                turns.Add(RetryOf("\n" + await reader.ReadLineAsync().Within() + "\n"));
            }
        }

        // Relative to now: a later one has waited a little less, but comes a turn later.
        Assert.True(turns[^1] - turns[0] > 7 * 500, string.Join(' ', turns));
        Assert.Equal(turns.Distinct().Count(), turns.Count);
    }

    [Fact]
    public async Task KeysThatAreNotLoaded_ToAnEventSource_Are200WithRetry()
    {
        await using HostProcess host = await HostProcess.StartAsync(("Weir__Auth__Jwt__Jwks", "http://127.0.0.1:9/keys"));
        using HttpClient http = RelayHost.NewClient(host);
        string token = Auth.Tokens.Make("\"sub\":\"u1\"", header: "{\"alg\":\"RS256\",\"kid\":\"k\"}");

        (int status, string body) = await AskAsync(http, $"{Sse}&token={token}", "text/event-stream");

        Assert.Equal(200, status);
        Assert.InRange(RetryOf(body), 2500, 7500);
        Assert.Equal(503, (await AskAsync(http, $"{Sse}&token={token}", "*/*")).Status);
    }

    [Fact]
    public async Task FinalRefusal_IsAStatusForEveryClient()
    {
        await using HostProcess host = await HostProcess.StartAsync(("Weir__Auth__Jwt__Secret", Auth.Tokens.Secret));
        using HttpClient http = RelayHost.NewClient(host);

        Assert.Equal(401, (await AskAsync(http, Sse, "text/event-stream")).Status);
        Assert.Equal(403, (await AskAsync(http, $"{Sse}&token={Auth.Tokens.Make("\"sub\":\"u1\"")}", "text/event-stream")).Status);
        Assert.Equal(400, (await AskAsync(http, "/sse", "text/event-stream")).Status);
        Assert.Equal(400, (await AskAsync(http, "/connection/sse", "text/event-stream")).Status);
        Assert.Equal(405, (await AskAsync(http, Sse, "text/event-stream", HttpMethod.Post)).Status);
    }

    [Fact]
    public async Task InChromium_EventSourcesReconnect_AfterARestartBehindARateOfHandshakes()
    {
        string[] address = RestartAddress.NewArguments();
        await using HostProcess before = await HostProcess.StartWithAsync(address, ("Weir__Drain__Window", "2s"));
        await using ChildProcess browser = ChildProcess.Start("node", ["event-source.mjs", $"http://127.0.0.1:{before.Port}"], Repository.Clients);
        await LineAsync(browser, "open");
        before.Terminate();
        await before.ExitAsync(TimeSpan.FromSeconds(30));

        await using HostProcess after = await HostProcess.StartWithAsync(
            address, ("Weir__Limits__HandshakesPerSecond", "1"), ("Weir__Limits__HandshakeBurst", "1"));
        await LineAsync(browser, "back");
        Assert.Equal(0, await browser.ExitCodeAsync().Within(_browserLimit));

        static Task LineAsync(ChildProcess browser, string line)
            => Bounded.Eventually(() => browser.LineStartingWith(line) is not null, _browserLimit,
                what: $"'{line}' of the browser:\n{browser.Output}");
    }

    private static HttpRequestMessage Request(string target, string? accept, HttpMethod? method = null)
    {
        HttpRequestMessage request = new(method ?? HttpMethod.Get, target);
        if (accept is not null)
        {
            request.Headers.Add("Accept", accept);
        }

        return request;
    }

    private static async Task<(int Status, string Body)> AskAsync(HttpClient http, string target, string? accept, HttpMethod? method = null)
    {
        using HttpRequestMessage request = Request(target, accept, method);
        using HttpResponseMessage response = await http.SendAsync(request).Within();
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync().Within());
    }

    private static int RetryOf(string body) => int.Parse(RetryLine().Match(body).Groups[1].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex("\nretry: ([0-9]+)\n")]
    private static partial Regex RetryLine();
}
