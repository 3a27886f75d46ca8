namespace Weir.Handshake;

/// <summary>
/// Reads the header lines of a complete request header block, strict by RFC 9112 5. A malformed line is skipped and recorded in
/// <see cref="Fault"/>, so that one pass both finds the well-formed lines and proves the others absent.
/// </summary>
internal ref struct HeaderReader
{
    private readonly ReadOnlySpan<byte> _head;
    private int _nameLength;
    private int _lineStart;
    private int _valueLength;

    /// <param name="head">The whole header block, to which positions refer.</param>
    /// <param name="position">Start of a header line.</param>
    public HeaderReader(ReadOnlySpan<byte> head, int position)
    {
        _head = head;
        Position = position;
    }

    /// <summary>Start of the next line: another reader can resume there.</summary>
    public int Position { get; private set; }

    /// <summary>Start of the current value in the header block.</summary>
    public int ValueStart { get; private set; }

    /// <summary>Why the first malformed line so far must be refused; <c>null</c> if there was none.</summary>
    public HandshakeRefusal? Fault { get; private set; }

    public readonly ReadOnlySpan<byte> Name => _head.Slice(_lineStart, _nameLength);

    /// <summary>The value without the white space around it (RFC 9110 5.5).</summary>
    public readonly ReadOnlySpan<byte> Value => _head.Slice(ValueStart, _valueLength);

    /// <summary>Advances to the next well-formed line; returns <c>false</c> at the blank line that ends the header block.</summary>
    public bool MoveNext()
    {
        while (true)
        {
            int length = _head[Position..].IndexOf((byte)'\n');
            if (length < 0)
            {
                return false;
            }

            _lineStart = Position;
            Position += length + 1;
            ReadOnlySpan<byte> line = _head.Slice(_lineStart, length);
            if (line is [(byte)'\r'])
            {
                return false;
            }

            HandshakeRefusal? fault = Split(line);
            if (fault is null)
            {
                return true;
            }

            Fault ??= fault;
        }
    }

    private HandshakeRefusal? Split(ReadOnlySpan<byte> line)
    {
        // RFC 9112 2.2 lets a recipient accept a lone LF as a line end; this one does not, as intermediaries may not.
        if (line is not [.., (byte)'\r'])
        {
            return HandshakeRefusal.BareLineFeed;
        }

        line = line[..^1];

        // RFC 9112 5.2: "A server that receives an obs-fold [...] MUST either reject the message [...] or replace".
        if (line is [(byte)' ' or (byte)'\t', ..])
        {
            return HandshakeRefusal.FoldedHeader;
        }

        // RFC 9112 5.1: white space between name and colon MUST be refused with 400.
        _nameLength = line.IndexOf((byte)':');
        if (_nameLength < 0 || !HttpSyntax.IsToken(line[.._nameLength]))
        {
            return HandshakeRefusal.BadHeaderName;
        }

        ReadOnlySpan<byte> value = line[(_nameLength + 1)..];
        if (!HttpSyntax.IsFieldValue(value))
        {
            return HandshakeRefusal.BadHeaderValue;
        }

        ReadOnlySpan<byte> trimmed = value.TrimStart(" \t"u8);
        ValueStart = _lineStart + _nameLength + 1 + (value.Length - trimmed.Length);
        _valueLength = trimmed.TrimEnd(" \t"u8).Length;
        return null;
    }
}
