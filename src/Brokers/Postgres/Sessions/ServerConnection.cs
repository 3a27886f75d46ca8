using Npgsql;

namespace Weir.Brokers.Postgres.Sessions;

/// <summary>A connection with the settings that the broker's statements need.</summary>
internal static class ServerConnection
{
    /// <summary>The oldest major version of PostgreSQL.</summary>
    public const int LeastVersion = 15;

    // Isolation: the statements after a lock must see what was committed before it. Plans: made once, when tables may still be empty, and
    // by index in any case. A session that waits is not idle.
    private const string Settings =
        """
        SET default_transaction_isolation = 'read committed';
        SET plan_cache_mode = force_generic_plan;
        SET enable_seqscan = off;
        SET enable_bitmapscan = off;
        SET enable_hashjoin = off;
        SET enable_mergejoin = off;
        SET jit = off;
        SET idle_session_timeout = 0;
        SELECT pg_backend_pid(), current_setting('synchronous_commit') = 'off'
        """;

    /// <exception cref="NpgsqlException">It cannot be opened.</exception>
    /// <exception cref="ServerRefusedException">It is no direct connection to a server that the broker can use.</exception>
    public static async Task<NpgsqlConnection> OpenAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (connection.PostgreSqlVersion.Major < LeastVersion)
            {
                throw new ServerRefusedException(
                    $"PostgreSQL {connection.PostgreSqlVersion} is too old: {LeastVersion} or newer is needed.");
            }

            await PrepareAsync(connection, cancellationToken).ConfigureAwait(false);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async Task PrepareAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        bool isAsynchronous;
        await using (NpgsqlCommand command = connection.CreateCommand())
        {
            command.CommandText = Settings;
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (reader.GetInt32(0) != connection.ProcessID)
            {
                throw new ServerRefusedException(
                    "A pooler such as PgBouncer is between the node and PostgreSQL: in transaction mode it loses LISTEN and the settings of "
                    + "the session. Give the node the address of the server itself; applications may continue with the pooler.");
            }

            isAsynchronous = reader.GetBoolean(1);
        }

        if (isAsynchronous)
        {
            // A publication that is confirmed must survive a crash; the epoch of a room does not change with one.
            await using NpgsqlCommand command = connection.CreateCommand();
            command.CommandText = "SET synchronous_commit = on";
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}

/// <summary>The server cannot be used as it is; the message says what to change.</summary>
internal sealed class ServerRefusedException(string message) : Exception(message);
