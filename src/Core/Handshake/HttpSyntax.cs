using System.Buffers;
using System.Text;

namespace Weir.Handshake;

/// <summary>The parts of HTTP grammar that a handshake needs (RFC 9110 5.5 and 5.6, RFC 3986 3.2).</summary>
internal static class HttpSyntax
{
    private const string Alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    // token = 1*tchar (RFC 9110 5.6.2).
    private static readonly SearchValues<byte> _tokenBytes =
        SearchValues.Create(Encoding.ASCII.GetBytes("!#$%&'*+-.^_`|~" + Alphanumeric));

    private static readonly SearchValues<char> _tokenChars = SearchValues.Create("!#$%&'*+-.^_`|~" + Alphanumeric);

    // field-value holds visible characters, obs-text, space and tab: every control but tab is out (RFC 9110 5.5).
    private static readonly SearchValues<byte> _controls =
        SearchValues.Create([.. Enumerable.Range(0, 32).Where(c => c != '\t').Select(c => (byte)c), 0x7F]);

    // reg-name and IPv4address: unreserved / pct-encoded / sub-delims (RFC 3986 3.2.2).
    private static readonly SearchValues<byte> _hostBytes =
        SearchValues.Create(Encoding.ASCII.GetBytes("-._~%!$&'()*+,;=" + Alphanumeric));

    private static readonly SearchValues<byte> _ipv6Bytes = SearchValues.Create("0123456789ABCDEFabcdef:."u8);

    public static bool IsToken(ReadOnlySpan<byte> text) => !text.IsEmpty && !text.ContainsAnyExcept(_tokenBytes);

    public static bool IsToken(ReadOnlySpan<char> text) => !text.IsEmpty && !text.ContainsAnyExcept(_tokenChars);

    public static bool IsFieldValue(ReadOnlySpan<byte> text) => !text.ContainsAny(_controls);

    /// <summary>Returns whether a comma-separated list has the token, case-insensitively; empty elements are skipped.</summary>
    public static bool ListHas(ReadOnlySpan<byte> list, ReadOnlySpan<byte> token)
    {
        foreach (Range element in list.Split((byte)','))
        {
            if (Ascii.EqualsIgnoreCase(list[element].Trim(" \t"u8), token))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>uri-host [":" port], the host not empty: every http URI has one (RFC 9110 4.2.1).</summary>
    public static bool IsHost(ReadOnlySpan<byte> text)
    {
        int hostEnd;
        if (text.StartsWith("["u8))
        {
            hostEnd = text.IndexOf((byte)']') + 1;
            if (hostEnd < 4 || text[1..(hostEnd - 1)].ContainsAnyExcept(_ipv6Bytes))
            {
                return false;
            }
        }
        else
        {
            int colon = text.IndexOf((byte)':');
            hostEnd = colon < 0 ? text.Length : colon;
            if (hostEnd == 0 || text[..hostEnd].ContainsAnyExcept(_hostBytes))
            {
                return false;
            }
        }

        ReadOnlySpan<byte> port = text[hostEnd..];
        return port.IsEmpty || (port[0] == ':' && !port[1..].ContainsAnyExceptInRange((byte)'0', (byte)'9'));
    }
}
