using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Hosting;

/// <summary>The server connects to itself before it listens.</summary>
public sealed class WarmUpTests
{
    [Fact]
    public async Task Start_WithWarmUp_ServesAndHasCountedNothingOfIt()
    {
        await using HostProcess host = await HostProcess.StartAsync(("Weir__WarmUp", "true"), ("Weir__Echo__Enabled", "true"));
        using RawClient client = await host.OpenAsync("/echo");
        await client.SendTextAsync("hello");
        Assert.Equal("hello", (await client.ReadFrameAsync()).Text);
        await host.MetricBecomesAsync("weir_messages_received_total", static messages => messages >= 1);

        Assert.Equal(1, await host.MetricAsync("weir_messages_received_total"));
        Assert.Equal(1, await host.MetricAsync("weir_connections_active"));
        Assert.Equal(0, await host.MetricAsync("weir_connections_closed_total"));
        Assert.Single(host.Addresses);
        Assert.Equal("", host.Errors);
    }

    [Fact]
    public async Task Start_WithWarmUpAndAWrongSetting_ReportsItAtOnce()
    {
        (int code, string output, string errors) = await HostProcess.RunAsync(
            ["--urls", "http://127.0.0.1:0"], ("Weir__WarmUp", "true"), ("Weir__Heartbeat__Interval", "often"));

        Assert.Equal(1, code);
        Assert.Equal("", output);
        Assert.Contains("Weir:Heartbeat:Interval", errors, StringComparison.Ordinal);
    }
}
