using StackExchange.Redis;
using Weir.Relay;

namespace Weir.Redis;

/// <summary>Tells what StackExchange.Redis throws as the exception of the seam, with whether it may have been done.</summary>
internal static class RedisFailure
{
    private static readonly List<string> _refusals = ["OOM ", "NOREPLICAS ", "MISCONF "];

    public static bool IsOne(Exception error)
        => error is RedisException or RedisTimeoutException or RedisCommandException or ObjectDisposedException or OperationCanceledException;

    /// <summary>
    /// Whether it is an answer by which a server refuses to store, though it announces: it is full, or may not write without
    /// its replicas or its disk.
    /// </summary>
    public static bool IsRefusalToStore(Exception error)
        => error is RedisServerException
            && _refusals.Exists(code => error.Message.StartsWith(code, StringComparison.Ordinal));

    public static BrokerUnavailableException Of(Exception error) => new($"Redis could not: {error.Message}", IsUnknown(error), error);

    private static bool IsUnknown(Exception error) => error switch
    {
        // An answer, and it is no.
        RedisServerException or RedisCommandException => false,
        RedisTimeoutException timeout => timeout.Commandstatus is CommandStatus.Sent or CommandStatus.Unknown,
        RedisConnectionException connection => connection.CommandStatus is CommandStatus.Sent or CommandStatus.Unknown,
        _ => true,
    };
}
