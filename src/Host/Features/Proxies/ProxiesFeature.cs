using System.Net;
using Microsoft.AspNetCore.Connections;
using Weir.Host.Settings;

namespace Weir.Host.Features.Proxies;

/// <summary>The addresses of clients behind proxies: X-Forwarded-For, and the PROXY protocol.</summary>
internal sealed class ProxiesFeature : Feature
{
    private static readonly SettingTable<WeirNodeOptions> _forwarded = new SettingTable<WeirNodeOptions>("Weir")
        .Peers("TrustedProxies",
            static (o, networks, unixSockets) => (o.TrustedProxies, o.TrustUnixSockets) = (networks, unixSockets),
            "proxies whose X-Forwarded-For is trusted, as `10.0.0.0/8`; `unix` for peers on a Unix socket");

    private static readonly SettingTable<ProxyProtocolPeers> _proxyProtocol = new SettingTable<ProxyProtocolPeers>("Weir")
        .Peers("ProxyProtocol",
            static (o, networks, unixSockets) => (o.Networks, o.UnixSockets) = (networks, unixSockets),
            "networks whose connections begin with a PROXY protocol header; `unix` for those over a Unix socket");

    private SettingValues<WeirNodeOptions> _node = new();
    private ProxyProtocolPeers _peers = new();

    public override IEnumerable<Setting> Settings => [.. _forwarded.Settings, .. _proxyProtocol.Settings];

    public override void Read(SettingsReader reader)
    {
        _node = _forwarded.Read(reader);
        _peers = _proxyProtocol.Read(reader).Value;
    }

    public override void Configure(WeirNodeOptions node) => _node.ApplyTo(node);

    public override void UseBelowTls(IConnectionBuilder listener)
    {
        if (_peers.Networks.Count > 0 || _peers.UnixSockets)
        {
            listener.UseProxyProtocol(_peers.Networks, trustUnixSockets: _peers.UnixSockets);
        }
    }

    protected override void Report(Exposure exposure)
    {
        WeirNodeOptions node = _node.Value;
        exposure.IsBehindProxy = node.TrustedProxies.Count > 0 || node.TrustUnixSockets || _peers.Networks.Count > 0 || _peers.UnixSockets;
        foreach (IPNetwork everywhere in node.TrustedProxies.Concat(_peers.Networks).Where(static network => network.PrefixLength == 0))
        {
            exposure.AddOpen(
                ExposureArea.Addresses,
                $"Every client can forge its address: {everywhere} is among Weir:TrustedProxies or Weir:ProxyProtocol",
                Severity.Danger);
        }

        // A peer on a Unix socket has no address until a proxy names it.
        if (exposure.Addresses.Any(static address => address.IsUnixPipe))
        {
            exposure.Add(
                ExposureArea.Addresses,
                node.TrustUnixSockets || _peers.UnixSockets,
                "Clients behind a Unix socket have the address that its proxy names (unix in Weir:TrustedProxies or Weir:ProxyProtocol)",
                "Clients behind a Unix socket have no address, and no limit per address applies to them: unix is neither in "
                + "Weir:TrustedProxies nor in Weir:ProxyProtocol");
        }
    }

    private sealed class ProxyProtocolPeers
    {
        public IReadOnlyList<IPNetwork> Networks { get; set; } = [];

        public bool UnixSockets { get; set; }
    }
}
