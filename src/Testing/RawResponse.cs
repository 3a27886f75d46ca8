namespace Weir.Testing;

/// <summary>The header block of an HTTP response, for assertions.</summary>
public sealed class RawResponse
{
    private readonly string[] _lines;

    /// <summary>Parses a header block.</summary>
    /// <param name="head">Status line and headers, without the empty line that ends them.</param>
    /// <exception cref="InvalidDataException">The first line is not a status line.</exception>
    public RawResponse(string head)
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

    /// <summary>The first line, as <c>HTTP/1.1 101 Switching Protocols</c>.</summary>
    public string StatusLine { get; }

    /// <summary>The status code.</summary>
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
