using System.Globalization;

namespace Weir.Host.Machine;

/// <summary>What the machine permits this process. A value is <c>null</c> if the system does not show it, as others than Linux.</summary>
internal sealed record MachineState
{
    private const string OpenFiles = "Max open files";

    /// <summary>Gets the most descriptors of the process: the hard limit, to which the runtime raises the soft one.</summary>
    public long? MaxOpenFiles { get; init; }

    /// <summary>Gets <c>net.core.somaxconn</c>.</summary>
    public long? ListenBacklog { get; init; }

    /// <summary>Gets the number of ephemeral ports.</summary>
    public long? EphemeralPorts { get; init; }

    /// <summary>Gets the most connections that a firewall of the machine tracks; <c>null</c> also if it tracks none.</summary>
    public long? TrackedConnections { get; init; }

    /// <summary>Gets the memory in bytes: the machine's, or the limit of the container.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Gets whether the clock is synchronized with a time server.</summary>
    public bool? IsClockSynchronized { get; init; }

    /// <summary>Gets the time.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>Reads the state of this machine and process.</summary>
    public static MachineState Read() => new()
    {
        MaxOpenFiles = ReadHardLimit(),
        ListenBacklog = ReadNumber("/proc/sys/net/core/somaxconn", 0),
        EphemeralPorts = ReadNumber("/proc/sys/net/ipv4/ip_local_port_range", 1) - ReadNumber("/proc/sys/net/ipv4/ip_local_port_range", 0) + 1,
        TrackedConnections = ReadNumber("/proc/sys/net/netfilter/nf_conntrack_max", 0),
        MemoryBytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        IsClockSynchronized = SystemClock.IsSynchronized(),
        Now = TimeProvider.System.GetUtcNow(),
    };

    // "Max open files            1024                 524288               files", or "unlimited".
    private static long? ReadHardLimit()
    {
        string? line = ReadLines("/proc/self/limits").FirstOrDefault(static line => line.StartsWith(OpenFiles, StringComparison.Ordinal));
        string[] words = (line?[OpenFiles.Length..] ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Length > 1 && long.TryParse(words[1], CultureInfo.InvariantCulture, out long limit) ? limit : null;
    }

    private static long? ReadNumber(string path, int word)
        => ReadLines(path).FirstOrDefault()?.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is { } words && words.Length > word
            && long.TryParse(words[word], CultureInfo.InvariantCulture, out long number) ? number : null;

    private static string[] ReadLines(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllLines(path) : [];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return []; // a container may hide it
        }
    }
}
