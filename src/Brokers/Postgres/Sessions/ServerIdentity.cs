using Npgsql;

namespace Weir.Brokers.Postgres.Sessions;

/// <summary>What a server is, and whether the broker can use it.</summary>
/// <param name="System">Its system identifier: the same on its standbys.</param>
/// <param name="Line">The system identifier and the timeline; <c>null</c> on a standby.</param>
/// <param name="Started">When it was started, as text: differs between servers.</param>
/// <param name="SchemaVersion">The version of the schema; 0 if there is none.</param>
/// <param name="IsStandby">Whether it is a standby.</param>
/// <param name="UnsafeSetting">A setting by which a crash of the machine may lose what is confirmed; <c>null</c> if none.</param>
/// <param name="Version">The version of PostgreSQL.</param>
internal sealed record ServerIdentity(
    string System, string? Line, string Started, int SchemaVersion, bool IsStandby, string? UnsafeSetting, Version Version)
{
    private const string Query =
        """
        SELECT s.id, CASE WHEN pg_is_in_recovery() THEN NULL ELSE s.id || ':' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END,
            pg_postmaster_start_time()::text, pg_is_in_recovery(), to_regclass('weir.version') IS NOT NULL,
            CASE WHEN current_setting('fsync') = 'off' THEN 'fsync'
                WHEN current_setting('full_page_writes') = 'off' THEN 'full_page_writes' END
        FROM (SELECT system_identifier::text AS id FROM pg_control_system()) AS s
        """;

    public static async Task<ServerIdentity> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        ServerIdentity identity;
        bool hasSchema;
        await using (NpgsqlCommand command = connection.CreateCommand())
        {
            command.CommandText = Query;
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            hasSchema = reader.GetBoolean(4);
            identity = new ServerIdentity(
                reader.GetString(0), reader.IsDBNull(1) ? null : reader.GetString(1), reader.GetString(2), SchemaVersion: 0,
                reader.GetBoolean(3), reader.IsDBNull(5) ? null : reader.GetString(5), connection.PostgreSqlVersion);
        }

        if (!hasSchema)
        {
            return identity;
        }

        await using NpgsqlCommand version = connection.CreateCommand();
        version.CommandText = "SELECT coalesce(max(version), 0) FROM weir.version";
        return identity with { SchemaVersion = (int)(await version.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))! };
    }

    public bool IsSameServer(ServerIdentity other) => System == other.System && Line == other.Line && Started == other.Started;

    /// <param name="needed">The version of the schema that this node needs.</param>
    /// <exception cref="InvalidOperationException">It is a standby, and may become the primary.</exception>
    /// <exception cref="ServerRefusedException">An operator must act.</exception>
    public void ThrowUnlessFit(int needed)
    {
        if (IsStandby)
        {
            throw new InvalidOperationException("It is a standby: the node waits until it is promoted.");
        }

        if (SchemaVersion < needed)
        {
            throw new ServerRefusedException(
                SchemaVersion == 0
                    ? "The database has no schema weir: run 'Weir.Host migrate' once, with the same settings."
                    : $"The schema weir has version {SchemaVersion}, and this node needs {needed}: run 'Weir.Host migrate'.");
        }
    }
}
