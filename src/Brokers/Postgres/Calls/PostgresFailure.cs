using Npgsql;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Postgres.Calls;

/// <summary>Npgsql's exceptions: whether the request may have been executed, and whether the connection continues.</summary>
internal static class PostgresFailure
{
    /// <summary>
    /// Whether it is an error of the statement: its transaction is rolled back and the connection continues. Anything else may have come
    /// after the commit, as the end of a session that waited for a synchronous standby does.
    /// </summary>
    public static bool IsAnswer(Exception error) => error is PostgresException { InvariantSeverity: "ERROR" }
        // Two statements of one batch, each in a transaction of its own.
        || (error is NpgsqlException { InnerException: AggregateException several } && several.InnerExceptions.All(IsAnswer));

    public static BrokerUnavailableException Of(Exception error) => new($"PostgreSQL request failed: {error.Message}", !IsAnswer(error), error);

    public static BrokerUnavailableException Unavailable() => new("PostgreSQL is unavailable.", isUnknown: false);
}
