using System.Buffers;

namespace Weir.Handshake;

/// <summary>
/// Determines from the first bytes of a new connection whether they are a handshake for an endpoint. Consumes nothing: the caller
/// copies the request header block out or leaves every byte to Kestrel's HTTP pipeline.
/// </summary>
internal static class RequestHeadReader
{
    /// <summary>Examines the received bytes; to be called again with more after <see cref="HeadStatus.Incomplete"/>.</summary>
    /// <param name="buffer">All bytes received since the connection was opened.</param>
    /// <param name="endpoints">The paths of the endpoints.</param>
    /// <param name="maxHeadBytes">Largest header block accepted, its blank line included.</param>
    /// <param name="scanned">
    /// Progress, 0 at the start and then only passed back: how many bytes have been searched for a line end, so that a header
    /// block that arrives slowly is searched once. Negative while the request line has not been checked.
    /// </param>
    /// <param name="headLength">With <see cref="HeadStatus.Complete"/>, the length of the header block; else 0.</param>
    public static HeadStatus Read(
        in ReadOnlySequence<byte> buffer, IEndpointLookup endpoints, int maxHeadBytes, ref long scanned, out int headLength)
    {
        headLength = 0;
        ReadOnlySequence<byte> window = buffer.Length > maxHeadBytes ? buffer.Slice(0, maxHeadBytes) : buffer;
        SequenceReader<byte> reader = new(window);
        if (scanned <= 0)
        {
            if (!MayBeGet(window))
            {
                return HeadStatus.NotOurs;
            }

            reader.Advance(-scanned);
            if (!reader.TryAdvanceTo((byte)'\n'))
            {
                scanned = -window.Length;
                return window.Length < maxHeadBytes ? HeadStatus.Incomplete : HeadStatus.NotOurs;
            }

            if (!IsOurs(Contiguous(window.Slice(0, reader.Position)), endpoints))
            {
                return HeadStatus.NotOurs;
            }
        }
        else
        {
            reader.Advance(scanned);
        }

        while (reader.TryAdvanceTo((byte)'\n'))
        {
            switch (LineEndBefore(reader))
            {
                case LineEnd.BareLineFeed:
                    // RFC 9112 2.2 allows but does not demand it as a line end. Kestrel decides.
                    return HeadStatus.NotOurs;
                case LineEnd.Blank:
                    scanned = reader.Consumed;
                    return AsksForWebSocket(Contiguous(window.Slice(0, reader.Position)), out headLength);
                case LineEnd.Normal:
                    break;
            }
        }

        scanned = window.Length;
        return window.Length < maxHeadBytes ? HeadStatus.Incomplete : HeadStatus.TooLarge;
    }

    private enum LineEnd
    {
        Normal,
        BareLineFeed,
        Blank,
    }

    /// <summary>
    /// Four bytes rule out most other protocols before their first line ends: TLS, "PRI * HTTP/2.0", other methods. A handshake
    /// is a GET (RFC 6455 4.2.1), and another method on an endpoint's path may well be the application's.
    /// </summary>
    private static bool MayBeGet(in ReadOnlySequence<byte> window)
    {
        ReadOnlySpan<byte> get = "GET "u8;
        ReadOnlySpan<byte> first = window.FirstSpan;
        if (first.Length >= get.Length)
        {
            return first.StartsWith(get);
        }

        Span<byte> start = stackalloc byte[4];
        int length = (int)Math.Min(get.Length, window.Length);
        window.Slice(0, length).CopyTo(start);
        return get.StartsWith(start[..length]);
    }

    private static bool IsOurs(ReadOnlySpan<byte> line, IEndpointLookup endpoints) =>
        line.EndsWith("\r\n"u8)
        && RequestLine.TryParse(line[..^2], out RequestLine parts)
        && line[parts.VersionStart..].StartsWith("HTTP/1."u8)
        && endpoints.Contains(UpgradeRequest.PathOf(line, parts));

    /// <summary>Looks back from the last line feed; a request line precedes it, so four bytes exist.</summary>
    private static LineEnd LineEndBefore(in SequenceReader<byte> reader)
    {
        Span<byte> copy = stackalloc byte[4];
        scoped ReadOnlySpan<byte> tail;
        if (reader.CurrentSpanIndex >= copy.Length)
        {
            tail = reader.CurrentSpan.Slice(reader.CurrentSpanIndex - copy.Length, copy.Length);
        }
        else
        {
            reader.Sequence.Slice(reader.Consumed - copy.Length, copy.Length).CopyTo(copy);
            tail = copy;
        }

        if (tail[2] != '\r')
        {
            return LineEnd.BareLineFeed;
        }

        return tail[1] == '\n' ? LineEnd.Blank : LineEnd.Normal;
    }

    private static HeadStatus AsksForWebSocket(ReadOnlySpan<byte> head, out int headLength)
    {
        // The request line was checked when it arrived; its line feed is the first.
        HeaderReader headers = new(head, head.IndexOf((byte)'\n') + 1);
        while (headers.MoveNext())
        {
            if (HeaderNames.Is(headers.Name, HeaderNames.Upgrade) && HttpSyntax.ListHas(headers.Value, "websocket"u8))
            {
                headLength = head.Length;
                return HeadStatus.Complete;
            }
        }

        headLength = 0;
        return HeadStatus.NotOurs;
    }

    // Only a header block that spans two pipe blocks (4 KB) is copied.
    private static ReadOnlySpan<byte> Contiguous(in ReadOnlySequence<byte> bytes) =>
        bytes.IsSingleSegment ? bytes.FirstSpan : bytes.ToArray();
}
