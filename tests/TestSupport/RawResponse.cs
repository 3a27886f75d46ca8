namespace Weir.TestSupport;

/// <summary>The header block of an HTTP response, as a <see cref="RawClient"/> read it.</summary>
public sealed class RawResponse
{
    private readonly string[] _lines;

    internal RawResponse(string head)
    {
        Head = head;
        _lines = head.Split("\r\n");
        StatusLine = _lines[0];
        string[] words = StatusLine.Split(' ', 3);
        Status = words.Length > 1 && int.TryParse(words[1], out int status)
            ? status
            : throw new InvalidDataException($"Not a status line: '{StatusLine}'.");
    }

    /// <summary>Status line and headers, without the empty line that ends them.</summary>
    public string Head { get; }

    public string StatusLine { get; }

    public int Status { get; }

    /// <summary>The values of a header, in order; empty if it is absent.</summary>
    public IReadOnlyList<string> Header(string name) =>
    [
        .. _lines.Skip(1)
            .Select(line => line.Split(':', 2))
            .Where(pair => pair.Length == 2 && pair[0].Equals(name, StringComparison.OrdinalIgnoreCase))
            .Select(pair => pair[1].Trim()),
    ];
}
