using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Weir.Host.Features;

/// <summary>Opens a port of the server by its address.</summary>
internal static class PortOpener
{
    /// <summary>Returns whether the address is one with TLS.</summary>
    public static bool IsHttps(BindingAddress address) => address.Scheme.Equals("https", StringComparison.OrdinalIgnoreCase);

    /// <param name="kestrel">The server.</param>
    /// <param name="address">A host that is no IP address and not <c>localhost</c> stands for all addresses of the machine.</param>
    /// <param name="open">Adds the middleware of the port.</param>
    public static void Listen(KestrelServerOptions kestrel, BindingAddress address, Action<ListenOptions> open)
    {
        if (address.IsUnixPipe)
        {
            kestrel.ListenUnixSocket(address.UnixPipePath, open);
        }
        else if (IPAddress.TryParse(address.Host, out IPAddress? ip))
        {
            kestrel.Listen(ip, address.Port, open);
        }
        else if (address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
        {
            kestrel.ListenLocalhost(address.Port, open);
        }
        else
        {
            kestrel.ListenAnyIP(address.Port, open);
        }
    }
}
