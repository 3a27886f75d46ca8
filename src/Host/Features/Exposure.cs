using System.Net;

namespace Weir.Host.Features;

/// <summary>What a configuration permits to every client that can reach the server, and what it does not.</summary>
/// <param name="addresses">All addresses that the server opens.</param>
internal sealed class Exposure(IReadOnlyList<BindingAddress> addresses)
{
    private readonly List<Finding> _open = [];
    private readonly List<Finding> _closed = [];
    private readonly List<string> _keys = [];

    public IReadOnlyList<BindingAddress> Addresses => addresses;

    /// <summary>Gets whether clients of other machines can reach the server, directly or through a proxy on a Unix socket.</summary>
    public bool IsPublic => addresses.Any(static address => address.IsUnixPipe || !IsLoopback(address.Host));

    /// <summary>Gets what is open, the most serious first.</summary>
    public IEnumerable<Finding> Open
        => _open.OrderByDescending(static finding => finding.Severity).ThenBy(static finding => finding.Area);

    /// <summary>Gets what is closed.</summary>
    public IEnumerable<Finding> Closed => _closed.OrderBy(static finding => finding.Area);

    /// <summary>Gets the state of the keys of tokens.</summary>
    public IEnumerable<string> Keys => _keys;

    /// <summary>Gets the memory that connections need.</summary>
    public MemoryPlan Memory { get; } = new();

    /// <summary>Gets or sets the most connections that the settings admit; 0: any number.</summary>
    public int MaxConnections { get; set; }

    /// <summary>Gets or sets whether pages of every host may connect.</summary>
    public bool AdmitsEveryOrigin { get; set; }

    /// <summary>Gets or sets whether the broker keeps any amount of history.</summary>
    public bool KeepsAnyHistory { get; set; }

    /// <summary>Gets or sets whether clients come through proxies.</summary>
    public bool IsBehindProxy { get; set; }

    /// <summary>Gets or sets whether tokens, which expire by the clock, are verified.</summary>
    public bool VerifiesTokens { get; set; }

    /// <summary>Returns a severity, or <see cref="Severity.Note"/> if only clients of this machine can reach the server.</summary>
    public Severity IfPublic(Severity severity) => IsPublic ? severity : Severity.Note;

    public void AddOpen(ExposureArea area, string line, Severity severity = Severity.Warning)
        => _open.Add(new Finding(area, severity, line));

    public void AddKeys(string line) => _keys.Add(line);

    public void Add(ExposureArea area, bool isClosed, string whenClosed, string whenOpen, Severity severity = Severity.Warning)
        => (isClosed ? _closed : _open).Add(new Finding(area, severity, isClosed ? whenClosed : whenOpen));

    /// <summary>Returns whether an address is one of this machine only.</summary>
    public static bool IsLoopback(string host)
        => host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? ip) && IPAddress.IsLoopback(ip));
}
