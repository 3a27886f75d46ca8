using Microsoft.Extensions.Logging;

namespace Weir.Brokers.Nats.Diagnostics;

/// <summary>Log messages of the broker, category <c>Weir.Brokers.Nats</c>, ids 750-799.</summary>
internal static partial class NatsLog
{
    public const string Category = "Weir.Brokers.Nats";

    [LoggerMessage(
        750, LogLevel.Information, "NATS {Version} at {Address} is up: it stores, and every subscription is confirmed", EventName = "NatsUp")]
    public static partial void IsUp(ILogger logger, string version, string address);

    [LoggerMessage(751, LogLevel.Warning, "NATS: announcements may be missed from now on. {What} {Reason}", EventName = "NatsDown")]
    public static partial void WentDown(ILogger logger, string what, string reason);

    [LoggerMessage(
        752, LogLevel.Warning, "NATS announces but does not store: publishes that must be stored fail. {Reason}", EventName = "NatsRefuses")]
    public static partial void Refuses(ILogger logger, string reason);

    [LoggerMessage(753, LogLevel.Debug, "NATS is not ready yet", EventName = "NatsTryFailed")]
    public static partial void TryFailed(ILogger logger, Exception error);

    [LoggerMessage(754, LogLevel.Warning, "NATS reported an error: {Error}", EventName = "NatsServerError")]
    public static partial void ServerError(ILogger logger, string error);

    [LoggerMessage(
        755, LogLevel.Warning, "NATS: a message on the subject {Subject} could not be read; ignored", EventName = "NatsMessageUnreadable")]
    public static partial void MessageUnreadable(ILogger logger, Exception? error, string subject);

    [LoggerMessage(756, LogLevel.Error, "The broker's sink threw an exception", EventName = "NatsSinkFailed")]
    public static partial void SinkFailed(ILogger logger, Exception error);

    [LoggerMessage(
        757, LogLevel.Information, "The NATS server at {Address} is about to stop: this node moves to another one", EventName = "NatsLameDuck")]
    public static partial void Moves(ILogger logger, string address);

    [LoggerMessage(
        758, LogLevel.Error, "The NATS server at {Address} is too old: {Version}, needed is {Least} or newer", EventName = "NatsTooOld")]
    public static partial void TooOld(ILogger logger, string address, string version, string least);

    [LoggerMessage(
        759, LogLevel.Warning,
        "The servers that stored the rooms' histories were down together: rooms continue under new epochs", EventName = "NatsLineChanged")]
    public static partial void LineChanged(ILogger logger);

    [LoggerMessage(760, LogLevel.Error, "NATS cannot be used for rooms with history and presence", EventName = "NatsStreamsUnusable")]
    public static partial void StreamsUnusable(ILogger logger, Exception error);
}
