using Weir.Integration.Servers;
using Weir.Testing;
using Xunit;

namespace Weir.Integration.Wire;

/// <summary>
/// A network of its own for a client, joined to this machine by a cable (a veth pair) that can be cut: then packets vanish
/// both ways and neither side is notified. Needs root, Linux and <c>ip</c>; where one is missing the test is skipped.
/// </summary>
internal sealed class NetworkNamespace : IAsyncDisposable
{
    private readonly string _name;
    private readonly string _hostEnd;
    private readonly string _clientEnd;

    private NetworkNamespace()
    {
        // Interface names have 15 characters at most. The address is from the block for benchmarks of networks (RFC 2544).
        string id = $"{Environment.ProcessId % 0x10000:x4}";
        _name = $"weir{id}";
        _hostEnd = $"weirh{id}";
        _clientEnd = $"weirc{id}";
        int network = Environment.ProcessId % 0x4000;
        HostAddress = $"198.18.{network / 64}.{(network % 64 * 4) + 1}";
        ClientAddress = $"198.18.{network / 64}.{(network % 64 * 4) + 2}";
    }

    /// <summary>This machine's address for the client.</summary>
    public string HostAddress { get; }

    public string ClientAddress { get; }

    /// <summary>What a command begins with to run in there.</summary>
    public IReadOnlyList<string> Prefix => ["ip", "netns", "exec", _name];

    public static async Task<NetworkNamespace> CreateAsync()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "Network namespaces need Linux and root.");
        Assert.SkipUnless(File.Exists("/usr/sbin/ip") || File.Exists("/sbin/ip"), "'ip' is not installed (Debian: iproute2).");
        NetworkNamespace network = new();
        try
        {
            (int exitCode, string output) = await RunAsync("netns", "add", network._name);
            Assert.SkipWhen(exitCode != 0, $"This system does not permit network namespaces: {output}");
            await IpAsync("link", "add", network._hostEnd, "type", "veth", "peer", "name", network._clientEnd, "netns", network._name);
            await IpAsync("address", "add", $"{network.HostAddress}/30", "dev", network._hostEnd);
            await IpAsync("link", "set", network._hostEnd, "up");
            await IpAsync("-n", network._name, "address", "add", $"{network.ClientAddress}/30", "dev", network._clientEnd);
            await IpAsync("-n", network._name, "link", "set", network._clientEnd, "up");
            return network;
        }
        catch
        {
            await network.DisposeAsync();
            throw;
        }
    }

    /// <summary>Disconnects the cable, at the client's end.</summary>
    public Task DisconnectAsync() => IpAsync("-n", _name, "link", "set", _clientEnd, "down");

    /// <summary>Deletes it; processes in it must have ended.</summary>
    public async ValueTask DisposeAsync()
    {
        // The cable first: a namespace lives on, unseen, as long as a connection of its lingers. What was never made is
        // not there to delete, so failures mean nothing.
        await RunAsync("link", "delete", _hostEnd);
        await RunAsync("netns", "delete", _name);
    }

    private static async Task IpAsync(params string[] arguments)
    {
        (int exitCode, string output) = await RunAsync(arguments);
        if (exitCode != 0)
        {
            throw new InvalidOperationException($"ip {string.Join(' ', arguments)} failed with {exitCode}: {output}");
        }
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        await using ChildProcess ip = ChildProcess.Start("ip", arguments, Path.GetTempPath());
        int exitCode = await ip.ExitCodeAsync().Within();
        return (exitCode, ip.Output);
    }
}
