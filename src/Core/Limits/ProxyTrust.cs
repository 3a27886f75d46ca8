using System.Net;

namespace Weir.Limits;

/// <summary>The proxies whose X-Forwarded-For is trusted.</summary>
/// <param name="Networks">Their networks.</param>
/// <param name="UnixSockets">Whether a peer on a Unix socket, which has no address, is one.</param>
internal sealed record ProxyTrust(IReadOnlyList<IPNetwork> Networks, bool UnixSockets);
