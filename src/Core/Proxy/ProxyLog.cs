using Microsoft.Extensions.Logging;

namespace Weir.Proxy;

/// <summary>Log messages of the PROXY protocol: event ids 150 to 159. None shows a byte of what was sent.</summary>
internal static partial class ProxyLog
{
    [LoggerMessage(150, LogLevel.Debug,
        "Connection {ConnectionId}: no valid PROXY header: {Fault}; aborted", EventName = "ProxyHeaderRefused")]
    public static partial void HeaderRefused(ILogger logger, string connectionId, string fault);

    [LoggerMessage(151, LogLevel.Debug,
        "Connection {ConnectionId}: no whole PROXY header within {Timeout}; aborted", EventName = "ProxyHeaderTimedOut")]
    public static partial void HeaderTimedOut(ILogger logger, string connectionId, TimeSpan timeout);
}
