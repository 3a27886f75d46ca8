using Microsoft.Extensions.Logging;

namespace Weir.Transports.Epoll;

/// <summary>Log messages of the transport, category <c>Weir.Transport</c>, ids 500-549.</summary>
internal static partial class TransportLog
{
    public const string Category = "Weir.Transport";

    [LoggerMessage(
        500, LogLevel.Warning,
        "No more connections can be accepted on {EndPoint} for now: errno {Errno} (24 or 23: raise the limit of open files)",
        EventName = "AcceptPaused")]
    public static partial void AcceptPaused(ILogger logger, string? endPoint, int errno);

    [LoggerMessage(
        501, LogLevel.Warning,
        "Code of connection {ConnectionId} has kept loop {Loop} for {Elapsed}; another thread takes the loop over. "
        + "A handler must not block",
        EventName = "LoopHandedOff")]
    public static partial void LoopHandedOff(ILogger logger, string connectionId, int loop, TimeSpan elapsed);

    [LoggerMessage(502, LogLevel.Error, "An exception reached loop {Loop}", EventName = "LoopCallbackFailed")]
    public static partial void LoopCallbackFailed(ILogger logger, Exception error, int loop);

    [LoggerMessage(503, LogLevel.Debug, "Connection {ConnectionId}: {Call} failed with errno {Errno}", EventName = "CallFailed")]
    public static partial void CallFailed(ILogger logger, string connectionId, string call, int errno);

    [LoggerMessage(
        504, LogLevel.Information,
        "The buffers of TLS sessions are kept while they are empty: this version of .NET or OpenSSL offers no way to release them. "
        + "An idle connection costs twice the memory",
        EventName = "TlsBuffersAreKept")]
    public static partial void TlsBuffersAreKept(ILogger logger);
}
