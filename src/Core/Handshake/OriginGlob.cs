using System.Diagnostics.CodeAnalysis;

namespace Weir.Handshake;

/// <summary>One entry of the list of an <see cref="OriginPolicy"/>, parsed once at start.</summary>
internal sealed class OriginGlob
{
    private readonly string? _scheme;
    private readonly string _host;
    private readonly bool _anyPort;
    private readonly int _port;

    private OriginGlob(string? scheme, string host, bool anyPort, int port)
    {
        _scheme = scheme;
        _host = host;
        _anyPort = anyPort;
        _port = port;
    }

    /// <summary>Whether it matches a host or the hosts of a domain; false: every host.</summary>
    public bool NamesHost => _host is not "*";

    /// <summary>
    /// A star stands for whole parts only: "https://*example.com" would match evil-example.com, which is never intended.
    /// </summary>
    public static bool TryParse(string glob, [NotNullWhen(true)] out OriginGlob? result)
    {
        result = null;
        int colon = glob.IndexOf("://", StringComparison.Ordinal);
        if (colon <= 0 || glob.AsSpan().ContainsAny(" \t,@"))
        {
            return false;
        }

        string scheme = glob[..colon];
        ReadOnlySpan<char> authority = glob.AsSpan(colon + 3);
        if (WebOrigin.IsHostless(scheme, authority) && scheme is not "*" && IsScheme(scheme))
        {
            result = new OriginGlob(scheme, host: "", anyPort: false, port: 0);
            return true;
        }

        bool anyPort = authority.EndsWith(":*");
        if (!WebOrigin.TrySplitPort(anyPort ? authority[..^2] : authority, out ReadOnlySpan<char> host, out int port)
            || (anyPort && port != 0))
        {
            return false;
        }

        ReadOnlySpan<char> literal = host is "*" ? default : host.StartsWith("*.") ? host[2..] : host;
        if (literal.Contains('*') || (literal.IsEmpty && host is not "*") || !IsScheme(scheme))
        {
            return false;
        }

        result = new OriginGlob(scheme is "*" ? null : scheme, host.ToString(), anyPort, port);
        return true;
    }

    public bool Matches(in WebOrigin origin)
    {
        if (_scheme is not null && !origin.Scheme.Equals(_scheme, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        if (!_anyPort && origin.Port != (_port == 0 ? origin.DefaultPort : _port))
        {
            return false;
        }

        if (_host is ['*', ..])
        {
            // The rest after the star is empty or begins with a dot, which limits the match to whole labels.
            ReadOnlySpan<char> suffix = _host.AsSpan(1);
            return origin.Host.Length > suffix.Length
                && origin.Host.EndsWith(suffix, StringComparison.OrdinalIgnoreCase);
        }

        return origin.Host.Equals(_host, StringComparison.OrdinalIgnoreCase);
    }

    // "*", or ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) (RFC 3986 3.1).
    private static bool IsScheme(string scheme) =>
        scheme is "*"
        || (char.IsAsciiLetter(scheme[0])
            && scheme.All(c => char.IsAsciiLetterOrDigit(c) || c is '+' or '-' or '.'));
}
