using System.Globalization;
using System.Text.RegularExpressions;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Integration.Hosting;

/// <summary>The lines that an operator sees of a real process when much happens, or one thing for long.</summary>
public sealed partial class LogLinesTests
{
    [Fact]
    public async Task RedisThatIsUnreachableAtTheStart_IsOneWarning_AndOneLineWhenItIsUp_PerOutage()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        await redis.KillAsync();
        await using HostProcess host = await HostProcess.StartAsync(
            ("Weir__Broker__Kind", "Redis"), ("Weir__Redis__Configuration", redis.Address), ("Weir__Redis__ProbeInterval", "200ms"));
        await Bounded.Eventually(() => Count(host, DownLine) == 1);
        Assert.Contains($"Redis is unavailable. {redis.Address} did not reply as expected.", host.Output, StringComparison.Ordinal);

        for (int outage = 1; outage <= 2; outage++)
        {
            await redis.StartAgainAsync();
            await Bounded.Eventually(() => Count(host, UpLine) == outage);
            await redis.KillAsync();
            await Bounded.Eventually(() => Count(host, DownLine) == outage + 1);
            using RawClient client = await host.OpenAsync("/ws?room=r"); // what clients do meanwhile logs nothing
            await client.SendTextAsync("in this node only");
            await client.SettleAsync();
        }

        host.Terminate();
        Assert.Equal(0, await host.ExitAsync());

        Assert.Equal((3, 2), (Count(host, DownLine), Count(host, UpLine)));
        // This Redis loses its data, and with it requests to end connections: the node warns of those in a line of their own.
        string[] warnings = [.. host.Warnings.Where(static line => !line.StartsWith("warn: Weir.Relay[517]", StringComparison.Ordinal))];
        Assert.All(warnings, static line => Assert.StartsWith(DownLine, line, StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", host.Output, StringComparison.Ordinal); // no stack trace
    }

    // Nothing listens on port 1 of the loopback address.
    [Theory]
    [InlineData("Redis", 601, "Weir__Redis__Configuration", "127.0.0.1:1")]
    [InlineData("Kafka", 841, "Weir__Kafka__BootstrapServers", "127.0.0.1:1")]
    [InlineData("Nats", 751, "Weir__Nats__Url", "nats://127.0.0.1:1")]
    [InlineData("Postgres", 881, "Weir__Postgres__ConnectionString", "Host=127.0.0.1;Port=1;Database=weir;Username=weir")]
    public async Task BrokerThatIsUnreachableAtTheStart_IsOneWarningInOneLine(string kind, int id, string setting, string address)
    {
        await using HostProcess host = await HostProcess.StartAsync(("Weir__Broker__Kind", kind), (setting, address));
        await Bounded.Eventually(() => Count(host, $"warn: Weir.Brokers.{kind}[{id}]") == 1);
        using RawClient client = await host.OpenAsync("/ws?room=r");
        await client.SendTextAsync("in this node only");
        await client.SettleAsync();
        host.Terminate();
        Assert.Equal(0, await host.ExitAsync());

        Assert.Single(host.Warnings);
        Assert.DoesNotContain("   at ", host.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ManySlowClients_AreOneLineASecondThatCountsThem()
    {
        const int Clients = 200;
        await using HostProcess host = await HostProcess.StartAsync(
            ("Weir__Pressure__CloseAtBytes", "65536"), ("Weir__Pressure__CloseTimeout", "100ms"));
        RawClient[] slow = await Task.WhenAll(Enumerable.Range(0, Clients).Select(async _ =>
        {
            RawClient client = await RawClient.ConnectAsync("127.0.0.1", host.Port, receiveBufferBytes: 16 * 1024);
            await client.HandshakeAsync("/ws?room=flood", host: $"127.0.0.1:{host.Port}");
            await client.SettleAsync();
            return client;
        }));
        using RawClient publisher = await host.OpenAsync("/ws?room=flood");
        long start = TimeProvider.System.GetTimestamp();

        byte[] message = new byte[32 * 1024];
        while (await host.MetricAsync("weir_connections_too_slow_total") < Clients)
        {
            await publisher.SendRawAsync(Frames.Binary(message));
        }

        await Bounded.Eventually(() => SlowLines(host).Sum(static line => line.Count) == Clients);
        double seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;

        int lines = SlowLines(host).Count();
        Assert.InRange(lines, 1, (int)seconds + 2);
        Assert.Equal(lines, host.Warnings.Count());
        Array.ForEach(slow, static client => client.Dispose());
    }

    private static IEnumerable<(string Line, int Count)> SlowLines(HostProcess host)
        => host.Output.Split('\n').Where(static line => line.Contains("reads too slowly", StringComparison.Ordinal))
            .Select(static line => (line, LastOf.Match(line) is { Success: true } match
                ? int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : 1));

    private static int Count(HostProcess host, string line)
        => host.Output.Split('\n').Count(each => each.StartsWith(line, StringComparison.Ordinal));

    private const string DownLine = "warn: Weir.Brokers.Redis[601]";

    private const string UpLine = "info: Weir.Brokers.Redis[600]";

    [GeneratedRegex(@"\(the last of (\d+) in one second\)$")]
    private static partial Regex LastOf { get; }
}
