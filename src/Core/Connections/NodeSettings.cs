using Weir.Limits;

namespace Weir.Connections;

/// <summary>The settings of a whole node; an immutable copy of the options that the application set.</summary>
/// <param name="Gate">The limits on admitted connections.</param>
/// <param name="Proxies">The trusted proxies.</param>
/// <param name="MaxPendingBytes">The most bytes that may wait for slow clients; 0: no limit.</param>
/// <param name="DrainWindow">The time over which connections are closed when the application stops.</param>
internal sealed record NodeSettings(GateSettings Gate, ProxyTrust Proxies, long MaxPendingBytes, TimeSpan DrainWindow);
