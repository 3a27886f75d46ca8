namespace Weir.Host.Features;

/// <summary>What a configuration permits to every client that can reach the server, and what it does not.</summary>
/// <param name="addresses">The addresses that the server opens; empty if <c>Kestrel:Endpoints</c> names them.</param>
internal sealed class Exposure(IReadOnlyList<BindingAddress> addresses)
{
    private readonly List<(ExposureArea Area, string Line)> _open = [];
    private readonly List<(ExposureArea Area, string Line)> _closed = [];
    private readonly List<string> _keys = [];

    public IReadOnlyList<BindingAddress> Addresses => addresses;

    /// <summary>Gets what is open, one line each, with the setting that would change it.</summary>
    public IEnumerable<string> Open => Sorted(_open);

    /// <summary>Gets what is closed, likewise.</summary>
    public IEnumerable<string> Closed => Sorted(_closed);

    /// <summary>Gets the state of the keys of tokens.</summary>
    public IEnumerable<string> Keys => _keys;

    public void AddOpen(ExposureArea area, string line) => _open.Add((area, line));

    public void AddKeys(string line) => _keys.Add(line);

    public void Add(ExposureArea area, bool isClosed, string whenClosed, string whenOpen)
        => (isClosed ? _closed : _open).Add((area, isClosed ? whenClosed : whenOpen));

    private static IEnumerable<string> Sorted(List<(ExposureArea Area, string Line)> lines)
        => lines.OrderBy(static line => line.Area).Select(static line => line.Line);
}
