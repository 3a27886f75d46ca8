using Weir.Client.Events;
using Weir.Client.Transport;

namespace Weir.Client.Reconnecting;

/// <summary>The settings of a <see cref="ConnectionLoop"/>, as copied from the options.</summary>
internal sealed record ReconnectSettings(
    IClientTransport Transport,
    TimeProvider Time,
    BackoffSettings Backoff,
    TimeSpan StableAfter,
    TimeSpan ConnectTimeout,
    TimeSpan TokenTimeout,
    Func<CancellationToken, ValueTask<string?>>? GetToken,
    Func<ConnectionEnd, bool, bool>? ShouldReturn);
