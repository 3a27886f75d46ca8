using Microsoft.Extensions.Logging;

namespace Weir.Auth.Diagnostics;

/// <summary>
/// Log messages of authentication, category <c>Weir.Auth</c>. No message has a parameter for a token, a value of a claim or a key;
/// sources of keys are logged without parts that may be secret. Ids 700-719.
/// </summary>
internal static partial class AuthLog
{
    public const string Category = "Weir.Auth";

    [LoggerMessage(700, LogLevel.Information, "Keys loaded from {Source}: {Keys}", EventName = "KeysLoaded")]
    public static partial void KeysLoaded(ILogger logger, string source, int keys);

    [LoggerMessage(701, LogLevel.Warning,
        "Keys could not be loaded from {Source}: {Reason}. The current keys stay in use; retry in {RetryAfter}",
        EventName = "KeysNotLoaded")]
    public static partial void KeysNotLoaded(ILogger logger, string source, string reason, TimeSpan retryAfter);

    [LoggerMessage(702, LogLevel.Warning, "A key of {Source} is left out, {Key}: {Reason}", EventName = "KeyLeftOut")]
    public static partial void KeyLeftOut(ILogger logger, string source, string key, string reason);

    [LoggerMessage(703, LogLevel.Error, "The application's Authenticate failed; the client is refused temporarily",
        EventName = "AuthenticateFailed")]
    public static partial void AuthenticateFailed(ILogger logger, Exception error);

    [LoggerMessage(704, LogLevel.Debug, "A token is refused: {Why}", EventName = "TokenRefused")]
    public static partial void TokenRefused(ILogger logger, string why);

    [LoggerMessage(705, LogLevel.Warning, "{Keys} more keys of {Source} are left out", EventName = "MoreKeysLeftOut")]
    public static partial void MoreKeysLeftOut(ILogger logger, string source, int keys);

    [LoggerMessage(706, LogLevel.Error, "Loading keys from {Source} failed. The current keys stay in use; retry in {RetryAfter}",
        EventName = "KeyLoadFailed")]
    public static partial void LoadFailed(ILogger logger, string source, TimeSpan retryAfter, Exception error);
}
