using System.Globalization;

namespace Weir.Handshake;

/// <summary>A parsed origin: scheme "://" host [":" port] (RFC 6454 6.2).</summary>
internal readonly ref struct WebOrigin
{
    private WebOrigin(ReadOnlySpan<char> scheme, ReadOnlySpan<char> host, int port)
    {
        Scheme = scheme;
        Host = host;
        DefaultPort = DefaultPortOf(scheme);
        Port = port == 0 ? DefaultPort : port;
    }

    public ReadOnlySpan<char> Scheme { get; }

    public ReadOnlySpan<char> Host { get; }

    /// <summary>The port, explicit or by the scheme; 0 if there is neither.</summary>
    public int Port { get; }

    /// <summary>The scheme's default port; 0 if it is neither http nor https.</summary>
    public int DefaultPort { get; }

    public static bool TryParse(ReadOnlySpan<char> text, out WebOrigin origin)
    {
        origin = default;
        int colon = text.IndexOf("://");
        if (colon <= 0 || text.ContainsAny(" \t,@*"))
        {
            return false;
        }

        ReadOnlySpan<char> scheme = text[..colon];
        if (IsHostless(scheme, text[(colon + 3)..]))
        {
            origin = new WebOrigin(scheme, host: default, port: 0);
            return true;
        }

        if (!TrySplitPort(text[(colon + 3)..], out ReadOnlySpan<char> host, out int port))
        {
            return false;
        }

        origin = new WebOrigin(scheme, host, port);
        return true;
    }

    /// <summary>
    /// Whether this is a scheme without a host after "://": web views send it for local pages ("file://", "app://"). A web page's
    /// scheme always has a host (RFC 9110 4.2.1).
    /// </summary>
    public static bool IsHostless(ReadOnlySpan<char> scheme, ReadOnlySpan<char> authority) =>
        authority.IsEmpty && DefaultPortOf(scheme) == 0
        && !scheme.Equals("ws", StringComparison.OrdinalIgnoreCase) && !scheme.Equals("wss", StringComparison.OrdinalIgnoreCase);

    /// <summary>Splits host [":" port]; the port is 0 if there is none.</summary>
    public static bool TrySplitPort(ReadOnlySpan<char> text, out ReadOnlySpan<char> host, out int port)
    {
        port = 0;
        host = text;
        int colon = text.LastIndexOf(':');
        if (colon >= 0 && !text.EndsWith("]"))
        {
            host = text[..colon];
            if (!int.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out port)
                || port is 0 or > ushort.MaxValue)
            {
                return false;
            }
        }

        bool isIPv6 = host is ['[', .., ']'];
        return !host.IsEmpty && !host.ContainsAny("/?#\\") && host.Contains(':') == isIPv6;
    }

    public static int DefaultPortOf(ReadOnlySpan<char> scheme) =>
        scheme.Equals("https", StringComparison.OrdinalIgnoreCase) ? 443
        : scheme.Equals("http", StringComparison.OrdinalIgnoreCase) ? 80
        : 0;
}
