using System.Net;
using Weir.Auth;
using Weir.Host.Settings;
using Weir.Relay;

namespace Weir.Host.Commands;

/// <summary>What a configuration permits to every client that can reach the server, and what it does not.</summary>
/// <param name="Open">One line each, with the setting that would change it.</param>
/// <param name="Closed">Likewise.</param>
internal sealed record Exposure(IReadOnlyList<string> Open, IReadOnlyList<string> Closed)
{
    // A shorter key was probably typed, not generated.
    private const int ShortKey = 16;

    public static Exposure Of(HostSettings settings, IReadOnlyList<BindingAddress> addresses)
    {
        List<string> open = [];
        List<string> closed = [];
        Report(settings.HasAuth, "Clients need a token (Weir:Auth)", "Every client may join every room: no setting below Weir:Auth");
        if (settings.HasAuth)
        {
            ReportTokens(settings, open);
        }

        WeirOptions endpoint = new();
        settings.ApplyTo(endpoint);
        ApiOptions api = new();
        settings.ApplyTo(api);
        WeirNodeOptions node = new();
        settings.ApplyTo(node);
        Report(
            !settings.EchoEnabled,
            "/echo does not exist (Weir:Echo:Enabled)",
            "/echo answers every client that may connect: Weir:Echo:Enabled is on");
        Report(
            api.Key.Length == 0,
            "/api does not exist: Weir:Api:Key is empty",
            "/api is enabled: the holder of Weir:Api:Key can publish to every room and disconnect every client");
        if (api.Key.Length is > 0 and < ShortKey)
        {
            open.Add($"Weir:Api:Key has {api.Key.Length} characters: it can be guessed");
        }

        Report(
            !endpoint.AllowedOrigins.Contains("*"),
            endpoint.AllowedOrigins.Count == 0
                ? "Pages of other hosts cannot connect (Weir:Origins)"
                : $"Only pages of {string.Join(", ", endpoint.AllowedOrigins)} can connect (Weir:Origins)",
            "Pages of every host can connect from their visitors' browsers: Weir:Origins is *");
        open.Add("/metrics and /health answer every client, on every port: restrict them in a proxy");
        if (addresses.Any(static address => address.Scheme == "http" && !address.IsUnixPipe && !IsLoopback(address.Host)))
        {
            open.Add(
                "Traffic is plain text on " + string.Join(", ", addresses.Where(static address => address.Scheme == "http"))
                + ": use TLS here or in a proxy");
        }

        Report(
            node.MaxConnections > 0,
            $"At most {node.MaxConnections} connections",
            "Any number of connections: Weir:Limits:MaxConnections is 0");
        Report(
            node.MaxConnectionsPerAddress > 0,
            $"At most {node.MaxConnectionsPerAddress} connections from one address",
            "Any number of connections from one address: Weir:Limits:MaxConnectionsPerAddress is 0");
        Report(
            endpoint.Inbound.MessagesPerSecond > 0 || endpoint.Inbound.BytesPerSecond > 0,
            "The inbound rate of a client is limited (Weir:Limits:MessagesPerSecond, BytesPerSecond)",
            "The inbound rate of a client is unlimited: Weir:Limits:MessagesPerSecond and BytesPerSecond are 0");
        foreach (IPNetwork everywhere in node.TrustedProxies.Concat(settings.ProxyProtocolFrom)
            .Where(static network => network.PrefixLength == 0))
        {
            open.Add($"Every client can forge its address: {everywhere} is among Weir:TrustedProxies or Weir:ProxyProtocol");
        }

        ReportUnixSockets(settings, node, addresses, Report);
        return new Exposure(open, closed);

        void Report(bool isClosed, string whenClosed, string whenOpen) => (isClosed ? closed : open).Add(isClosed ? whenClosed : whenOpen);
    }

    // A peer on a Unix socket has no address until a proxy names it.
    private static void ReportUnixSockets(
        HostSettings settings, WeirNodeOptions node, IReadOnlyList<BindingAddress> addresses, Action<bool, string, string> report)
    {
        if (addresses.Any(static address => address.IsUnixPipe))
        {
            report(
                node.TrustUnixSockets || settings.ProxyProtocolFromUnixSockets,
                "Clients behind a Unix socket have the address that its proxy names (unix in Weir:TrustedProxies or Weir:ProxyProtocol)",
                "Clients behind a Unix socket have no address, and no limit per address applies to them: unix is neither in "
                + "Weir:TrustedProxies nor in Weir:ProxyProtocol");
        }
    }

    private static void ReportTokens(HostSettings settings, List<string> open)
    {
        JwtOptions jwt = settings.Auth.Jwt;
        foreach (RoomRule rule in settings.Relay.Rules.All.Where(static rule => rule.Access == RoomAccess.Open))
        {
            string who = settings.Auth.AllowAnonymous ? "every client" : "every client with a token";
            string what = rule.Publish == RoomPublishing.Members ? "listen and publish" : "listen";
            open.Add($"Rooms like {rule.Pattern} are open: {who} may {what} (Access=Open)");
        }

        if (settings.Auth.AllowAnonymous)
        {
            open.Add("Clients without a token may connect (Weir:Auth:AllowAnonymous)");
        }

        if (jwt.Issuers.Count == 0 && jwt.Jwks.Length > 0)
        {
            open.Add("Tokens of any issuer with one of the keys are accepted: Weir:Auth:Jwt:Issuer is empty");
        }

        if (Uri.TryCreate(jwt.Jwks, UriKind.Absolute, out Uri? address) && address is { Scheme: "http", IsLoopback: false })
        {
            open.Add("Keys are fetched as plain text, so an attacker on the path can replace them: Weir:Auth:Jwt:Jwks is http");
        }

        if (settings.Auth.Cookie.Length > 0)
        {
            open.Add(
                $"Browsers send the cookie '{settings.Auth.Cookie}' whichever page connects: only Weir:Origins excludes other pages");
        }
    }

    private static bool IsLoopback(string host)
        => host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? ip) && IPAddress.IsLoopback(ip));
}
