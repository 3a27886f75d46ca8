using System.Globalization;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Hosting;

/// <summary>What the Host serves over plain HTTP.</summary>
public sealed class WebPagesTests(RunningHost host) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = host.Process.Addresses[0], Timeout = Bounded.DefaultLimit };

    public void Dispose() => _http.Dispose();

    [Theory]
    [InlineData("/health/live")]
    [InlineData("/health/ready")]
    public async Task Health_IsHealthy(string path)
    {
        using HttpResponseMessage response = await _http.GetAsync(path);

        Assert.Equal(200, (int)response.StatusCode);
        Assert.Equal("Healthy", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Root_IsThePage()
    {
        using HttpResponseMessage response = await _http.GetAsync("/");

        Assert.Equal("text/html; charset=utf-8", response.Content.Headers.ContentType?.ToString());
        Assert.Contains("<title>Weir", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.False(response.Headers.Contains("Server"));
    }

    [Fact]
    public async Task Unknown_Is404()
    {
        using HttpResponseMessage response = await _http.GetAsync("/unknown");

        Assert.Equal(404, (int)response.StatusCode);
    }

    [Fact]
    public async Task Metrics_CountWhatHappened()
    {
        await using HostProcess own = await HostProcess.StartAsync();
        using HttpClient http = new() { BaseAddress = own.Addresses[0], Timeout = Bounded.DefaultLimit };
        using RawClient first = await own.OpenAsync("/ws?room=metrics");
        using RawClient second = await own.OpenAsync("/ws?room=metrics");
        using RawClient third = await own.OpenAsync("/ws?room=metrics");
        using RawClient refused = await own.ConnectAsync();
        await refused.SendHeadAsync(Heads.Upgrade("/ws"));
        Assert.Equal(400, (await refused.ReadHeadAsync()).Status);
        for (int i = 0; i < 10; i++)
        {
            await first.SendTextAsync("0123456789");
            await second.ReadFrameAsync();
            await third.ReadFrameAsync();
        }

        await third.SendCloseAsync(1001);
        await third.ReadFrameAsync();
        await third.ReadEndAsync();

        // A scrape may be served from the one before, a moment ago; and a pass counts its messages when it ends.
        string scrape;
        using CancellationTokenSource limit = new(Bounded.DefaultLimit);
        do
        {
            scrape = await http.GetStringAsync("/metrics", limit.Token);
        }
        while (Value(scrape, "weir_connections_active") != 2 || Value(scrape, "weir_messages_received_total") != 10);

        Assert.Equal(1, Value(scrape, "weir_connections_closed_total", "weir_close_code=\"1001\"", "weir_close_initiator=\"client\""));
        Assert.Equal(1, Value(scrape, "weir_handshakes_refused_total", "http_response_status_code=\"400\""));
        Assert.Equal(100, Value(scrape, "weir_payload_received_bytes_total"));
        Assert.Equal(20, Value(scrape, "weir_messages_sent_total"));
        Assert.Equal(200, Value(scrape, "weir_payload_sent_bytes_total"));
        Assert.Contains("dotnet_gc", scrape, StringComparison.Ordinal);
    }

    // The one sample of a metric that has these labels.
    private static double? Value(string scrape, string name, params string[] labels)
    {
        string[] lines = [.. scrape.Split('\n').Where(line =>
            (line.StartsWith(name + "{", StringComparison.Ordinal) || line.StartsWith(name + " ", StringComparison.Ordinal))
            && labels.All(label => line.Contains(label, StringComparison.Ordinal)))];
        return lines switch
        {
            [] => null,
            [var line] => double.Parse(line[(line.LastIndexOf('}') + 1)..].Trim().Split(' ')[0], CultureInfo.InvariantCulture),
            _ => throw new InvalidDataException(string.Join('\n', lines)),
        };
    }
}
