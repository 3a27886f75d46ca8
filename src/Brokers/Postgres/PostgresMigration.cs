using System.Globalization;
using System.Reflection;
using Npgsql;

namespace Weir.Brokers.Postgres;

/// <summary>Creates the schema <c>weir</c> in a database, or brings it to the version of this package.</summary>
public static class PostgresMigration
{
    private const string Suffix = ".sql";

    // Of this package only: two migrations at a time run one after the other.
    private const long Lock = 0x57454952_4D494752;

    /// <summary>The version of the schema that this package needs.</summary>
    public static int Version { get; } = Scripts().Count;

    /// <summary>
    /// Runs the scripts that the database has not run yet, each in one transaction. Idempotent; several at a time wait for each other.
    /// Nodes that are connected continue meanwhile.
    /// </summary>
    /// <param name="connectionString">As <see cref="PostgresOptions.ConnectionString"/>; the user needs CREATE on the database.</param>
    /// <param name="cancellationToken">Ends the wait; a script that was not complete has no effect.</param>
    /// <returns>The version of the schema before; 0 if there was none.</returns>
    /// <exception cref="ArgumentException">The connection string is not valid.</exception>
    /// <exception cref="NpgsqlException">The server cannot be reached, or refuses.</exception>
    /// <exception cref="InvalidOperationException">
    /// The schema is newer than this package, or the database cannot have it: its encoding is not UTF-8, or the server is too old.
    /// </exception>
    public static async Task<int> RunAsync(string connectionString, CancellationToken cancellationToken = default)
    {
        NpgsqlConnectionStringBuilder builder = ServerAddress.Parse(connectionString);
        builder.Pooling = false;
        builder.ApplicationName ??= "weir";
        builder.TargetSessionAttributes = builder.Host!.Contains(',', StringComparison.Ordinal) ? "primary" : null;
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(builder);
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await ThrowUnlessFitAsync(connection, cancellationToken).ConfigureAwait(false);
        int before = -1;
        while (true)
        {
            await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            await ExecuteAsync(connection, $"SELECT pg_advisory_xact_lock({Lock})", cancellationToken).ConfigureAwait(false);
            await ExecuteAsync(
                connection,
                """
                CREATE SCHEMA IF NOT EXISTS weir;
                CREATE TABLE IF NOT EXISTS weir.version (version integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now());
                """,
                cancellationToken).ConfigureAwait(false);
            int version = (int)(await ReadAsync(
                connection, "SELECT coalesce(max(version), 0) FROM weir.version", cancellationToken).ConfigureAwait(false))!;
            before = before < 0 ? version : before;
            if (version > Version)
            {
                throw new InvalidOperationException(
                    $"The schema weir has version {version}, which is newer than this program: it needs {Version}. Use a newer one.");
            }

            if (version < Version)
            {
                await ExecuteAsync(connection, ReadScript(Scripts()[version]), cancellationToken).ConfigureAwait(false);
                await ExecuteAsync(
                    connection,
                    string.Create(CultureInfo.InvariantCulture, $"INSERT INTO weir.version (version) VALUES ({version + 1})"),
                    cancellationToken).ConfigureAwait(false);
            }

            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
            if (version >= Version - 1)
            {
                return before;
            }
        }
    }

    private static async Task ThrowUnlessFitAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (connection.PostgreSqlVersion.Major < Sessions.ServerConnection.LeastVersion)
        {
            throw new InvalidOperationException(
                $"PostgreSQL {connection.PostgreSqlVersion} is too old: {Sessions.ServerConnection.LeastVersion} or newer is needed.");
        }

        string encoding = (string)(await ReadAsync(connection, "SHOW server_encoding", cancellationToken).ConfigureAwait(false))!;
        if (encoding != "UTF8")
        {
            throw new InvalidOperationException(
                $"The database has the encoding {encoding}, and texts are UTF-8: create one with ENCODING 'UTF8'.");
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.CommandTimeout = 0; // another migration may hold the lock for as long as it takes
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    private static async Task<object?> ReadAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
    }

    // Named 0001.sql and so on, in the order in which they run.
    private static List<string> Scripts()
        => [.. typeof(PostgresMigration).Assembly.GetManifestResourceNames()
            .Where(static name => name.EndsWith(Suffix, StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    private static string ReadScript(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!;
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }
}
