using StackExchange.Redis;
using Weir.Diagnostics;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Redis;

/// <summary>Converts StackExchange.Redis's exceptions to the broker's, with whether the request may have been executed.</summary>
internal static class RedisFailure
{
    private static readonly List<string> _refusals = ["OOM ", "NOREPLICAS ", "MISCONF "];

    public static bool IsOne(Exception error)
        => error is RedisException or RedisTimeoutException or RedisCommandException
            or ObjectDisposedException or OperationCanceledException;

    /// <summary>
    /// Whether it is a reply by which a server refuses to store, though it announces: its memory is full, or it may not write without
    /// its replicas or its disk.
    /// </summary>
    public static bool IsRefusalToStore(Exception error)
        => error is RedisServerException
            && _refusals.Exists(code => error.Message.StartsWith(code, StringComparison.Ordinal));

    /// <summary>
    /// The cause for an operator, in a sentence of one line. The library's message about a server that refuses connections ends in
    /// advice for programmers, which is left out.
    /// </summary>
    public static string Describe(Exception? error)
    {
        string text = LogText.OneLine(error);
        int advice = text.IndexOf(" To allow this multiplexer", StringComparison.Ordinal);
        return advice < 0 ? text : text[..advice];
    }

    public static BrokerUnavailableException Of(Exception error) => new($"Redis request failed: {error.Message}", IsUnknown(error), error);

    private static bool IsUnknown(Exception error) => error switch
    {
        // A reply: Redis refused the request.
        RedisServerException or RedisCommandException => false,
        RedisTimeoutException timeout => timeout.Commandstatus is CommandStatus.Sent or CommandStatus.Unknown,
        RedisConnectionException connection => connection.CommandStatus is CommandStatus.Sent or CommandStatus.Unknown,
        _ => true,
    };
}
