using System.Diagnostics.CodeAnalysis;

namespace Weir.Handshake;

/// <summary>
/// Which web pages may connect (RFC 6455 10.2): a browser sends the page's origin, and no script can forge it. Immutable, so thread-safe.
/// </summary>
[Experimental("WEIR001")]
public sealed class OriginPolicy
{
    private readonly OriginGlob[] _globs;
    private readonly bool _allowsAll;
    private readonly bool _allowsNull;

    /// <summary>Creates a policy.</summary>
    /// <param name="globs">
    /// "scheme://host" or "scheme://host:port", each part case-insensitive. "*" may stand for the scheme, the port, the host, or
    /// the labels left of a host ("https://*.example.com" matches every subdomain, not example.com itself). Without a port the
    /// scheme's default applies. "*" alone allows every origin, "null" the opaque one of sandboxed frames and local files, and a
    /// scheme without a host ("file://", "app://") that of a web view's local pages, which no "*" for a host includes. Empty:
    /// only pages from the very host the request is for.
    /// </param>
    /// <exception cref="ArgumentException">A glob has none of these forms; the message names it.</exception>
    public OriginPolicy(IReadOnlyList<string> globs)
    {
        ArgumentNullException.ThrowIfNull(globs);
        List<OriginGlob> parsed = [];
        foreach (string glob in globs)
        {
            switch (glob)
            {
                case "*":
                    _allowsAll = true;
                    break;
                case "null":
                    _allowsNull = true;
                    break;
                default:
                    parsed.Add(OriginGlob.TryParse(glob, out OriginGlob? pattern)
                        ? pattern
                        : throw new ArgumentException(
                            $"'{glob}' is not an origin glob: write scheme://host[:port], such as "
                            + "'https://*.example.com', or '*', or 'null', or a web view's 'file://'.", nameof(globs)));
                    break;
            }
        }

        _globs = [.. parsed];
        OnlySameHost = globs.Count == 0;
    }

    /// <summary>No list was configured: the page must come from the host the request is for.</summary>
    private bool OnlySameHost { get; }

    /// <summary>Returns whether a request with this Origin, to this host, may connect.</summary>
    /// <param name="origin">The value of Origin; <c>null</c> if absent: the client is not a browser.</param>
    /// <param name="host">The host and port that the request is for (<c>Host</c> or <c>:authority</c>); <c>null</c> if unknown.</param>
    public bool Allows(string? origin, string? host)
    {
        if (origin is null)
        {
            return true;
        }

        // Bytes that no origin contains, and that a response header, where a stream repeats it, must not contain.
        if (origin.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            return false;
        }

        if (_allowsAll)
        {
            return true;
        }

        if (origin == "null")
        {
            return _allowsNull;
        }

        if (!WebOrigin.TryParse(origin, out WebOrigin parsed))
        {
            return false;
        }

        if (OnlySameHost)
        {
            return IsSameHost(parsed, host);
        }

        foreach (OriginGlob glob in _globs)
        {
            if (glob.Matches(parsed))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Returns whether the list names this origin by its host or a domain, not by a wildcard for every host: only such an origin
    /// may be trusted with a user's cookies.
    /// </summary>
    /// <param name="origin">The value of Origin.</param>
    public bool Names(string origin)
    {
        if (WebOrigin.TryParse(origin, out WebOrigin parsed))
        {
            foreach (OriginGlob glob in _globs)
            {
                if (glob.NamesHost && glob.Matches(parsed))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>
    /// The scheme is not compared, as TLS may end at a proxy that forwards plain HTTP. For the same reason a Host without a port
    /// means the default port of the page's scheme.
    /// </summary>
    private static bool IsSameHost(in WebOrigin origin, string? host) =>
        host is not null
        && WebOrigin.TrySplitPort(host, out ReadOnlySpan<char> name, out int port)
        && name.Equals(origin.Host, StringComparison.OrdinalIgnoreCase)
        && origin.DefaultPort != 0
        && origin.Port == (port == 0 ? origin.DefaultPort : port);
}
