using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Weir.LoadTest.Running;
using Xunit;

namespace Weir.LoadTest.Tests;

/// <summary>A server that the load test starts: its port, and the report when it is not as it should be.</summary>
public sealed class LocalServerTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(10);

    [Fact]
    public void FreePort_IsNoneThatTheSystemGivesToClients_AndAnotherEachTime()
    {
        string range = File.ReadAllText("/proc/sys/net/ipv4/ip_local_port_range");
        int first = int.Parse(range.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[0], CultureInfo.InvariantCulture);

        int[] ports = [.. Enumerable.Range(0, 20).Select(static _ => LocalServer.FreePort())];

        Assert.All(ports, port => Assert.InRange(port, 10_000, first - 1));
        Assert.Equal(ports.Length, ports.Distinct().Count());
    }

    [Fact]
    public async Task Start_AnotherProcessListens_IsNotTakenForOurs()
    {
        using TcpListener other = new(IPAddress.Loopback, 0);
        other.Start();
        using LocalServer server = LocalServer.Of("sh -c 'exit 0'", ((IPEndPoint)other.LocalEndpoint).Port);

        InvalidOperationException error =
            await Assert.ThrowsAsync<InvalidOperationException>(() => server.StartAsync().WaitAsync(_limit, TimeProvider.System));

        Assert.Contains("is taken", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Terminate_ItHasEndedByItself_ReportsItsOutput()
    {
        using LocalServer server = LocalServer.Of("sh -c 'echo out of luck; exit 7'", LocalServer.FreePort());
        await Assert.ThrowsAsync<InvalidOperationException>(() => server.StartAsync().WaitAsync(_limit, TimeProvider.System));

        Assert.True(SpinWait.SpinUntil(() => server.Output().Length > 0, _limit)); // is read on another thread

        InvalidOperationException error = Assert.Throws<InvalidOperationException>(server.Terminate);

        Assert.Contains("with 7", error.Message, StringComparison.Ordinal);
        Assert.Contains("out of luck", error.Message, StringComparison.Ordinal);
    }
}
