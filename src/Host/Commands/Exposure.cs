using System.Net;
using Weir.Auth;
using Weir.Host.Settings;
using Weir.Relay;

namespace Weir.Host.Commands;

/// <summary>What a configuration lets anybody do who can reach the server, and what it does not.</summary>
/// <param name="Open">One line each, with the setting that would change it.</param>
/// <param name="Closed">Likewise.</param>
internal sealed record Exposure(IReadOnlyList<string> Open, IReadOnlyList<string> Closed)
{
    // A key that somebody typed, rather than had made.
    private const int ShortKey = 16;

    public static Exposure Of(HostSettings settings, IReadOnlyList<BindingAddress> addresses)
    {
        List<string> open = [];
        List<string> closed = [];
        Judge(settings.HasAuth, "Clients need a token (Weir:Auth)", "Everybody may join every room: nothing is set below Weir:Auth");
        if (settings.HasAuth)
        {
            JudgeTokens(settings, open);
        }

        WeirOptions endpoint = new();
        settings.ApplyTo(endpoint);
        ApiOptions api = new();
        settings.ApplyTo(api);
        WeirNodeOptions node = new();
        settings.ApplyTo(node);
        Judge(!settings.EchoEnabled, "/echo does not exist (Weir:Echo:Enabled)", "/echo answers whoever may connect: Weir:Echo:Enabled is on");
        Judge(api.Key.Length == 0, "/api does not exist: Weir:Api:Key is empty", "/api is there for whoever has Weir:Api:Key: publishing to every room and disconnecting everybody");
        if (api.Key.Length is > 0 and < ShortKey)
        {
            open.Add($"Weir:Api:Key has {api.Key.Length} characters: it can be guessed");
        }

        Judge(
            !endpoint.AllowedOrigins.Contains("*"),
            endpoint.AllowedOrigins.Count == 0 ? "Pages of other hosts cannot connect (Weir:Origins)" : $"Only pages of {string.Join(", ", endpoint.AllowedOrigins)} can connect (Weir:Origins)",
            "Pages of every host can connect from their visitors' browsers: Weir:Origins is *");
        open.Add("/metrics and /health answer everybody, on every port: let a proxy keep them inside");
        if (addresses.Any(static address => address.Scheme == "http" && !address.IsUnixPipe && !IsLoopback(address.Host)))
        {
            open.Add("Bytes travel as plain text on " + string.Join(", ", addresses.Where(static address => address.Scheme == "http")) + ": have TLS here or in front");
        }

        Judge(node.MaxConnections > 0, $"At most {node.MaxConnections} connections", "Any number of connections: Weir:Limits:MaxConnections is 0");
        Judge(
            node.MaxConnectionsPerAddress > 0,
            $"At most {node.MaxConnectionsPerAddress} connections from one address",
            "Any number of connections from one address: Weir:Limits:MaxConnectionsPerAddress is 0");
        Judge(
            endpoint.Inbound.MessagesPerSecond > 0 || endpoint.Inbound.BytesPerSecond > 0,
            "A client may send only so much (Weir:Limits:MessagesPerSecond, BytesPerSecond)",
            "A client may send as much as it can: Weir:Limits:MessagesPerSecond and BytesPerSecond are 0");
        foreach (IPNetwork everywhere in node.TrustedProxies.Concat(settings.ProxyProtocolFrom).Where(static network => network.PrefixLength == 0))
        {
            open.Add($"Everybody may say where they come from: {everywhere} is among Weir:TrustedProxies or Weir:ProxyProtocol");
        }

        JudgeUnixSockets(settings, node, addresses, Judge);
        return new Exposure(open, closed);

        void Judge(bool isClosed, string whenClosed, string whenOpen) => (isClosed ? closed : open).Add(isClosed ? whenClosed : whenOpen);
    }

    // A peer on a Unix socket has no address until a proxy names it.
    private static void JudgeUnixSockets(
        HostSettings settings, WeirNodeOptions node, IReadOnlyList<BindingAddress> addresses, Action<bool, string, string> judge)
    {
        if (addresses.Any(static address => address.IsUnixPipe))
        {
            judge(
                node.TrustUnixSockets || settings.ProxyProtocolFromUnixSockets,
                "Clients behind a Unix socket have the address that the proxy there names (unix in Weir:TrustedProxies or Weir:ProxyProtocol)",
                "Clients behind a Unix socket have no address, and no limit per address holds for them: unix is neither in "
                + "Weir:TrustedProxies nor in Weir:ProxyProtocol");
        }
    }

    private static void JudgeTokens(HostSettings settings, List<string> open)
    {
        JwtOptions jwt = settings.Auth.Jwt;
        foreach (RoomRule rule in settings.Relay.Rules.All.Where(static rule => rule.Access == RoomAccess.Open))
        {
            string who = settings.Auth.AllowAnonymous ? "everybody" : "everybody with a token";
            string what = rule.Publish == RoomPublishing.Members ? "listen and publish" : "listen";
            open.Add($"Rooms like {rule.Pattern} are open: {who} may {what} (Access=Open)");
        }

        if (settings.Auth.AllowAnonymous)
        {
            open.Add("Clients without a token are let in (Weir:Auth:AllowAnonymous)");
        }

        if (jwt.Issuers.Count == 0 && jwt.Jwks.Length > 0)
        {
            open.Add("Tokens of whatever issuer are taken that has one of the keys: Weir:Auth:Jwt:Issuer is empty");
        }

        if (Uri.TryCreate(jwt.Jwks, UriKind.Absolute, out Uri? address) && address is { Scheme: "http", IsLoopback: false })
        {
            open.Add("Keys come as plain text, so whoever is on the way can have them exchanged: Weir:Auth:Jwt:Jwks is http");
        }

        if (settings.Auth.Cookie.Length > 0)
        {
            open.Add($"Browsers send the cookie '{settings.Auth.Cookie}' whichever page connects: Weir:Origins alone keeps other pages out");
        }
    }

    private static bool IsLoopback(string host)
        => host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? ip) && IPAddress.IsLoopback(ip));
}
