using System.Buffers;

namespace Weir.Protocol.Compression;

/// <summary>
/// Reads a <c>Sec-WebSocket-Extensions</c> value by the grammar of RFC 6455 9.1: a comma-separated list of names, each
/// with parameters. Several header fields count as one, joined by commas.
/// </summary>
/// <remarks>Call <see cref="TryReadParameter"/> until it returns false before reading the next extension.</remarks>
internal ref struct ExtensionReader(ReadOnlySpan<byte> header)
{
    private static readonly SearchValues<byte> _token = SearchValues.Create(
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    private ReadOnlySpan<byte> _rest = header;

    /// <summary>The header violates the grammar: no part of it is reliable, also none read before.</summary>
    public bool IsMalformed { get; private set; }

    public bool TryReadExtension(out ReadOnlySpan<byte> name)
    {
        // Empty elements, as in ", ,a", are allowed and ignored.
        _rest = _rest.TrimStart(" \t,"u8);
        name = default;
        return !_rest.IsEmpty && !IsMalformed && TryReadToken(out name);
    }

    /// <param name="name">The parameter's name.</param>
    /// <param name="value">
    /// The value after "=", without its quotes if it had any. Escapes inside quotes stay: no valid value needs one.
    /// </param>
    /// <param name="hasValue">Whether there was a "=".</param>
    /// <returns><c>false</c> at the end of the extension, or if malformed.</returns>
    public bool TryReadParameter(out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value, out bool hasValue)
    {
        name = default;
        value = default;
        hasValue = false;
        SkipWhitespace();
        if (IsMalformed || _rest.IsEmpty || _rest[0] == (byte)',')
        {
            return false;
        }

        if (!TrySkip((byte)';'))
        {
            return Malformed();
        }

        if (!TryReadToken(out name))
        {
            return false;
        }

        hasValue = TrySkip((byte)'=');
        return !hasValue || (_rest is [(byte)'"', ..] ? TryReadQuoted(out value) : TryReadToken(out value));
    }

    private bool TryReadToken(out ReadOnlySpan<byte> token)
    {
        int length = _rest.IndexOfAnyExcept(_token);
        token = length < 0 ? _rest : _rest[..length];
        _rest = _rest[token.Length..];
        return !token.IsEmpty || Malformed();
    }

    private bool TryReadQuoted(out ReadOnlySpan<byte> content)
    {
        content = default;
        for (int i = 1; i < _rest.Length; i++)
        {
            byte b = _rest[i];
            if (b == (byte)'"')
            {
                content = _rest[1..i];
                _rest = _rest[(i + 1)..];
                return true;
            }

            if (b == (byte)'\\')
            {
                i++;
            }
            else if ((b < 0x20 && b != (byte)'\t') || b == 0x7F)
            {
                break;
            }
        }

        return Malformed();
    }

    /// <summary>Skips <paramref name="separator"/> and the whitespace on both sides, if it comes next.</summary>
    private bool TrySkip(byte separator)
    {
        SkipWhitespace();
        if (_rest.IsEmpty || _rest[0] != separator)
        {
            return false;
        }

        _rest = _rest[1..];
        SkipWhitespace();
        return true;
    }

    private void SkipWhitespace() => _rest = _rest.TrimStart(" \t"u8);

    private bool Malformed()
    {
        IsMalformed = true;
        return false;
    }
}
