using System.Text;

namespace Weir.Handshake;

/// <summary>
/// The positions of the parts of a request line (RFC 9112 3): offsets into the header block, so that a connection keeps five
/// integers and no strings.
/// </summary>
internal readonly struct RequestLine
{
    private const int VersionLength = 8;

    private RequestLine(int methodEnd, int authorityStart, int pathStart, int pathEnd, int targetEnd)
    {
        MethodEnd = methodEnd;
        AuthorityStart = authorityStart;
        PathStart = pathStart;
        PathEnd = pathEnd;
        TargetEnd = targetEnd;
    }

    public int MethodEnd { get; }

    /// <summary>Start of the authority of an absolute-form target, which ends at the path; 0 in origin-form.</summary>
    public int AuthorityStart { get; }

    public int PathStart { get; }

    /// <summary>End of the path, and start of the query with its '?'.</summary>
    public int PathEnd { get; }

    public int TargetEnd { get; }

    public int VersionStart => TargetEnd + 1;

    /// <summary>Start of the first header line: past "HTTP/1.1" and its CR LF.</summary>
    public int HeadersStart => VersionStart + VersionLength + 2;

    /// <summary>
    /// Splits a line without its line end. Strict: single spaces, a token for a method, "HTTP/" DIGIT "." DIGIT, and a target in
    /// origin-form or in absolute-form (RFC 9112 3.2.2) of http, https, ws or wss. RFC 9112 3 lets a recipient be lenient with
    /// white space, but no WebSocket client sends such a line.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> line, out RequestLine result)
    {
        result = default;
        int methodEnd = line.IndexOf((byte)' ');
        int targetEnd = line.Length - VersionLength - 1;
        if (methodEnd <= 0 || targetEnd <= methodEnd + 1
            || line[targetEnd] != ' '
            || !HttpSyntax.IsToken(line[..methodEnd])
            || !IsVersion(line[(targetEnd + 1)..]))
        {
            return false;
        }

        int targetStart = methodEnd + 1;
        ReadOnlySpan<byte> target = line[targetStart..targetEnd];
        if (target.ContainsAnyExceptInRange((byte)'!', (byte)'~') || !TryFindAuthority(target, out int authority))
        {
            return false;
        }

        // The path follows the authority; it may be empty in absolute-form only.
        int path = authority;
        if (authority > 0)
        {
            int length = target[authority..].IndexOfAny((byte)'/', (byte)'?', (byte)'#');
            path = length < 0 ? target.Length : authority + length;
        }

        int query = target[path..].IndexOf((byte)'?');
        result = new RequestLine(
            methodEnd,
            authority > 0 ? targetStart + authority : 0,
            targetStart + path,
            query < 0 ? targetEnd : targetStart + path + query,
            targetEnd);
        return true;
    }

    private static bool IsVersion(ReadOnlySpan<byte> text) =>
        text.StartsWith("HTTP/"u8) && text[6] == '.' && char.IsAsciiDigit((char)text[5]) && char.IsAsciiDigit((char)text[7]);

    private static bool TryFindAuthority(ReadOnlySpan<byte> target, out int start)
    {
        start = 0;
        if (target[0] == '/')
        {
            return true;
        }

        if (HasScheme(target, "http://"u8))
        {
            start = "http://"u8.Length;
        }
        else if (HasScheme(target, "https://"u8))
        {
            start = "https://"u8.Length;
        }
        else if (HasScheme(target, "ws://"u8))
        {
            start = "ws://"u8.Length;
        }
        else if (HasScheme(target, "wss://"u8))
        {
            start = "wss://"u8.Length;
        }

        return start > 0;
    }

    private static bool HasScheme(ReadOnlySpan<byte> target, ReadOnlySpan<byte> scheme) =>
        target.Length > scheme.Length && Ascii.EqualsIgnoreCase(target[..scheme.Length], scheme);
}
