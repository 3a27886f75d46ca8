using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Weir.Handshake;

/// <summary>The HTTP request that opened a connection (RFC 6455 section 4.1).</summary>
/// <remarks>
/// <para>Lives as long as its connection, so it keeps only the bytes of the request header block: every member searches them and
/// builds its result anew. Store values that are needed often.</para>
/// <para>Immutable and thread-safe.</para>
/// </remarks>
public sealed class UpgradeRequest
{
    private readonly byte[] _head;
    private readonly RequestLine _line;

    /// <summary>Takes a header block, which the request owns from now on.</summary>
    /// <exception cref="ArgumentException">The request line is malformed, or the header block has no end.</exception>
    internal UpgradeRequest(byte[] head)
    {
        int lineEnd = head.AsSpan().IndexOf("\r\n"u8);
        if (lineEnd < 0 || !RequestLine.TryParse(head.AsSpan(0, lineEnd), out _line))
        {
            throw new ArgumentException("The request header block does not begin with a request line.", nameof(head));
        }

        if (!head.AsSpan().EndsWith("\r\n\r\n"u8))
        {
            throw new ArgumentException("The request header block does not end in a blank line.", nameof(head));
        }

        _head = head;
    }

    /// <summary>
    /// The requested path, percent-decoded as UTF-8 and without the query: "/chat/room 1" for "/chat/room%201?x=y". "%2F" is not
    /// decoded, so that a slash in here always separates two segments; dot segments are not resolved.
    /// </summary>
    public string Path => PercentEncoding.Decode(EncodedPath, PercentForm.Path);

    /// <summary>
    /// The query as sent, still encoded, with its leading "?"; the empty string if there is none. Clients put access tokens here:
    /// never log it.
    /// </summary>
    public string QueryString => Encoding.ASCII.GetString(Query);

    /// <summary>
    /// The header lines in the order sent, one entry each, names in the client's letter case. A value is read as UTF-8, or, if it
    /// is not UTF-8, as Latin-1.
    /// </summary>
    public IEnumerable<KeyValuePair<string, string>> Headers
    {
        get
        {
            int position = _line.HeadersStart;
            while (TryReadHeader(ref position, out KeyValuePair<string, string> header))
            {
                yield return header;
            }
        }
    }

    /// <summary>The exact bytes of the header block.</summary>
    internal ReadOnlySpan<byte> Head => _head;

    internal ReadOnlySpan<byte> Method => _head.AsSpan(0, _line.MethodEnd);

    internal ReadOnlySpan<byte> HttpVersion => _head.AsSpan(_line.VersionStart, "HTTP/1.1".Length);

    /// <summary>The path as sent: finds the endpoint without building <see cref="Path"/>.</summary>
    internal ReadOnlySpan<byte> EncodedPath => PathOf(_head, _line);

    /// <summary>
    /// Whether path and query decode without loss (<see cref="PercentEncoding.IsUtf8"/>), so that the decoded names match those sent.
    /// </summary>
    internal bool HasReadableTarget => PercentEncoding.IsUtf8(_head.AsSpan(_line.PathStart.._line.TargetEnd));

    internal bool IsAbsoluteForm => _line.AuthorityStart > 0;

    /// <summary>The host and port of an absolute-form target; empty in origin-form.</summary>
    internal ReadOnlySpan<byte> TargetAuthority =>
        IsAbsoluteForm ? _head.AsSpan(_line.AuthorityStart.._line.PathStart) : default;

    /// <summary>
    /// The host and port the request is for. RFC 9112 3.2.2: with an absolute-form target "the origin server MUST
    /// ignore the received Host header field (if any) and instead use the host information of the request-target".
    /// </summary>
    internal string? Authority =>
        IsAbsoluteForm ? Encoding.ASCII.GetString(TargetAuthority) : GetHeader("Host");

    private ReadOnlySpan<byte> Query => _head.AsSpan(_line.PathEnd.._line.TargetEnd);

    /// <summary>The first value of a query parameter, percent- and plus-decoded.</summary>
    /// <param name="name">The decoded name; case-sensitive.</param>
    /// <returns>The value, empty for "?name" and "?name="; <c>null</c> if the parameter is absent.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="name"/> is null.</exception>
    public string? GetQueryValue(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        QueryWalk walk = new(Query, name);
        return walk.TryNext(out string? value) ? value : null;
    }

    /// <summary>Every value of a query parameter in the order sent, percent- and plus-decoded.</summary>
    /// <param name="name">The decoded name; case-sensitive.</param>
    /// <returns>The values; empty if the parameter is absent.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="name"/> is null.</exception>
    public IReadOnlyList<string> GetQueryValues(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        List<string>? values = null;
        QueryWalk walk = new(Query, name);
        while (walk.TryNext(out string? value))
        {
            (values ??= []).Add(value);
        }

        return values ?? (IReadOnlyList<string>)[];
    }

    /// <summary>The value of a header.</summary>
    /// <param name="name">Its name, in any letter case.</param>
    /// <returns>
    /// The value without the white space around it, several lines joined with ", " (RFC 9110 section 5.3); <c>null</c> if the
    /// header is absent. Read as UTF-8, or, if it is not UTF-8, as Latin-1.
    /// </returns>
    /// <exception cref="ArgumentNullException"><paramref name="name"/> is null.</exception>
    public string? GetHeader(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        string? first = null;
        StringBuilder? joined = null;
        HeaderReader headers = ReadHeaders();
        while (headers.MoveNext())
        {
            if (!Ascii.EqualsIgnoreCase(headers.Name, name))
            {
                continue;
            }

            if (first is null)
            {
                first = Text(headers.Value);
            }
            else
            {
                joined ??= new StringBuilder(first);
                joined.Append(", ").Append(Text(headers.Value));
            }
        }

        return joined is null ? first : joined.ToString();
    }

    /// <summary>Copies the header block out of a pipe's buffer, which is not referenced afterwards.</summary>
    internal static UpgradeRequest FromHead(in ReadOnlySequence<byte> head) => new(head.ToArray());

    /// <summary>The request of an HTTP server's own pipeline, written back as a header block of HTTP/1.1.</summary>
    /// <returns>
    /// Why the request is refused, and <paramref name="request"/> is <c>null</c>: it cannot be written as a header block
    /// (<see cref="RequestHeadWriter.TryWrite"/>), or its target is neither in origin-form nor in absolute-form. <c>null</c> if
    /// it is not refused.
    /// </returns>
    internal static HandshakeRefusal? TryFromHttp(
        string method, string target, IEnumerable<KeyValuePair<string, string>> headers, out UpgradeRequest? request)
    {
        request = null;
        HandshakeRefusal? refusal = RequestHeadWriter.TryWrite(method, target, headers, out byte[]? head);
        if (refusal is null)
        {
            bool isRequestLine = RequestLine.TryParse(head.AsSpan(0, head.AsSpan().IndexOf("\r\n"u8)), out _);
            refusal = isRequestLine ? null : HandshakeRefusal.BadTarget;
            request = isRequestLine ? new UpgradeRequest(head!) : null;
        }

        return refusal;
    }

    /// <inheritdoc cref="TryFromHttp"/>
    /// <exception cref="ArgumentException">The request is refused.</exception>
    internal static UpgradeRequest FromHttp(
        string method, string target, IEnumerable<KeyValuePair<string, string>> headers) =>
        TryFromHttp(method, target, headers, out UpgradeRequest? request) is { } refusal
            ? throw new ArgumentException(refusal.Reason)
            : request!;

    /// <summary>The path of a request line at the start of <paramref name="head"/>; "/" where it is empty.</summary>
    internal static ReadOnlySpan<byte> PathOf(ReadOnlySpan<byte> head, in RequestLine line) =>
        line.PathStart == line.PathEnd ? "/"u8 : head[line.PathStart..line.PathEnd];

    internal HeaderReader ReadHeaders() => new(_head, _line.HeadersStart);

    private static string Text(ReadOnlySpan<byte> value) =>
        (Utf8.IsValid(value) ? Encoding.UTF8 : Encoding.Latin1).GetString(value);

    // A reader cannot be kept across a yield, so the iterator keeps only its position.
    private bool TryReadHeader(ref int position, out KeyValuePair<string, string> header)
    {
        HeaderReader headers = new(_head, position);
        bool found = headers.MoveNext();
        position = headers.Position;
        header = found
            ? new KeyValuePair<string, string>(Encoding.ASCII.GetString(headers.Name), Text(headers.Value))
            : default;
        return found;
    }
}
