using Weir.Integration.Hosting;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Weir.TestSupport.Servers;

namespace Weir.Integration.Deploy;

/// <summary>Two Hosts for a load balancer to stand in front of.</summary>
internal sealed class TwoNodes : IAsyncDisposable
{
    private readonly List<HostProcess> _hosts = [];

    public HostProcess this[int node] => _hosts[node];

    public int[] Ports => [.. _hosts.Select(static host => host.Port)];

    public static async Task<TwoNodes> StartAsync(params (string Name, string Value)[] settings)
    {
        TwoNodes nodes = new();
        try
        {
            nodes._hosts.AddRange(await Task.WhenAll(
                HostProcess.StartWithAsync(RestartAddress.NewArguments(), settings),
                HostProcess.StartWithAsync(RestartAddress.NewArguments(), settings)));
            return nodes;
        }
        catch
        {
            await nodes.DisposeAsync();
            throw;
        }
    }

    /// <summary>How many connections each has.</summary>
    public async Task<(int First, int Second)> CountAsync() =>
        ((int)await _hosts[0].MetricAsync("weir_connections_active"), (int)await _hosts[1].MetricAsync("weir_connections_active"));

    /// <summary>Waits until both have so many together; returns how many each has.</summary>
    public async Task<(int First, int Second)> UntilAsync(int sum, TimeSpan? limit = null)
    {
        (int First, int Second) count = default;
        await Waiting.UntilAsync(async () => (count = await TryCountAsync()) is var (first, second)
            && first + second == sum, $"{sum} connections on both nodes", limit);
        return count;
    }

    /// <summary>Waits until a node has its broker: a client that subscribes before is given no position in the room.</summary>
    public Task IsReadyAsync(int node) => Waiting.UntilAsync(
        async () => await _hosts[node].BodyOfAsync("/health/ready") == "Healthy", "the node has Redis", Bounded.StartLimit);

    /// <summary>Replaces one by another process on the same port.</summary>
    public async Task RestartAsync(int node, params (string Name, string Value)[] settings)
    {
        HostProcess before = _hosts[node];
        int port = before.Port;
        await before.DisposeAsync();
        _hosts[node] = await HostProcess.StartWithAsync(["--urls", $"http://127.0.0.1:{port}"], settings);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (HostProcess host in _hosts)
        {
            await host.DisposeAsync();
        }
    }

    // A node to which all clients reconnect at once may take longer than the limit to answer.
    private async Task<(int First, int Second)> TryCountAsync()
    {
        try
        {
            return await CountAsync();
        }
        catch (Exception error) when (error is TaskCanceledException or HttpRequestException)
        {
            return (-1, -1);
        }
    }
}
