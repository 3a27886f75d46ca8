using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Weir.Host;

/// <summary>
/// Removes the addresses that the host passes to Kestrel from <c>urls</c>: <see cref="Listeners"/> opens them, and Kestrel
/// would warn that it overrides one with the other. The host reads them from its first configuration, where they cannot be
/// removed, but builds the pipeline (and so calls this) before the server starts.
/// </summary>
internal sealed class AddressesTaken : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.ServerFeatures.Get<IServerAddressesFeature>()?.Addresses.Clear();
        next(app);
    };
}
