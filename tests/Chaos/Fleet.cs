using Weir.Chaos.Brokers;
using Weir.Testing;
using Weir.TestSupport;
using Weir.TestSupport.Processes;
using Weir.TestSupport.Servers;

namespace Weir.Chaos;

/// <summary>The nodes: Host processes on one broker, each at a place that stays when its process does not.</summary>
internal sealed class Fleet : IAsyncDisposable
{
    /// <summary>Rooms whose names begin so keep history and are not durable; all others are durable.</summary>
    public const string KeptPrefix = "kept";

    /// <summary>How long a client may be silent: the interval and the time-out of the heartbeat.</summary>
    public static TimeSpan Silence { get; } = TimeSpan.FromSeconds(11);

    private const string Password = "for the test";

    private readonly string _certificate = Path.Combine(Path.GetTempPath(), $"weir-{Guid.NewGuid():N}.pfx");
    private readonly List<HostProcess> _hosts = [];
    private readonly List<IReadOnlyList<(string Key, string Value)>> _settings = [];

    public int Count => _hosts.Count;

    /// <summary>Starts nodes that reach the server of their broker at its own port.</summary>
    public static Task<Fleet> StartAsync(IChaosServer server, int nodes)
        => StartAsync([.. Enumerable.Repeat(server.SettingsAt(server.Port), nodes)]);

    /// <summary>Starts one node per settings of a broker; most have the same.</summary>
    public static async Task<Fleet> StartAsync(params IReadOnlyList<(string Key, string Value)>[] settings)
    {
        Fleet fleet = new();
        TestCertificate.WriteTo(fleet._certificate, Password);
        try
        {
            foreach (HostProcess host in await Task.WhenAll(settings.Select(fleet.StartHostAsync)))
            {
                fleet._hosts.Add(host);
            }

            fleet._settings.AddRange(settings);
            return fleet;
        }
        catch
        {
            await fleet.DisposeAsync();
            throw;
        }
    }

    /// <summary>What the nodes have written, for the report of a test that failed.</summary>
    public string Output => string.Join("\n\n",
        _hosts.Select(static (host, node) => $"Node {node}:\n{host.Output[^Math.Min(6000, host.Output.Length)..]}{host.Errors}"));

    public HostProcess this[int node] => _hosts[node % _hosts.Count];

    public Uri AddressOf(int node) => this[node].Addresses[0];

    /// <summary>Where it has TLS, and with it HTTP/2.</summary>
    public Uri SecureAddressOf(int node) => this[node].Addresses[1];

    /// <summary>Puts another process in the place of one that has ended; at another port, which its clients find.</summary>
    public async Task ReplaceAsync(int node)
    {
        await _hosts[node].DisposeAsync();
        _hosts[node] = await StartHostAsync(_settings[node]);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (HostProcess host in _hosts)
        {
            await host.DisposeAsync();
        }

        File.Delete(_certificate);
    }

    // Up, and with its broker: an earlier listener has no position for its return.
    private async Task<HostProcess> StartHostAsync(IReadOnlyList<(string Key, string Value)> broker)
    {
        HostProcess host = await LaunchAsync(broker);
        await Bounded.Eventually(() => host.Addresses.Count == 2, Timeline.Limit);
        using HttpClient http = new();
        await Waiting.UntilAsync(
            async () => await http.GetStringAsync(new Uri(host.Addresses[0], "/health/ready")) == "Healthy", "the node has its broker",
                Timeline.Limit);
        return host;
    }

    private Task<HostProcess> LaunchAsync(IReadOnlyList<(string Key, string Value)> broker) => HostProcess.StartWithAsync(
        ["--urls", "http://127.0.0.1:0;https://127.0.0.1:0"],
        [
        .. broker,
        ("Kestrel__Certificates__Default__Path", _certificate),
        ("Kestrel__Certificates__Default__Password", Password),
        ("Weir__Broker__PositionCheckInterval", "1s"),
        ("Weir__Api__Key", Publisher.Key),
        ("Weir__Heartbeat__Interval", "1s"),
        ("Weir__Heartbeat__Timeout", "10s"),
        ("Weir__Rooms__0__Pattern", KeptPrefix + "*"),
        ("Weir__Rooms__0__HistorySize", "100000"),
        ("Weir__Rooms__1__Pattern", "*"),
        ("Weir__Rooms__1__HistorySize", "100000"),
        ("Weir__Rooms__1__Durable", "true"),
        ("DOTNET_gcServer", "0"),
        ]);
}
