using System.CommandLine;
using Npgsql;
using Weir.Brokers.Postgres;

namespace Weir.Host.Commands;

/// <summary><c>migrate</c>: creates the schema of the broker PostgreSQL, or brings it to this version.</summary>
internal static class MigrateCommand
{
    public static Command Create()
        => new Command(
            "migrate",
            "Creates the schema weir in the database of Weir:Postgres:ConnectionString, or brings it to this version; may be repeated, and run "
            + "while nodes are connected")
            .WithSettings(static (_, features, _, cancellationToken) => RunAsync(features.Postgres.ConnectionString, cancellationToken));

    private static async Task<int> RunAsync(string connectionString, CancellationToken cancellationToken)
    {
        try
        {
            int before = await PostgresMigration.RunAsync(connectionString, cancellationToken);
            Console.WriteLine(
                before == PostgresMigration.Version
                    ? $"The schema weir has version {before} already."
                    : $"The schema weir has version {PostgresMigration.Version} now; before: {(before == 0 ? "none" : before)}.");
            return 0;
        }
        catch (Exception error) when (error is NpgsqlException or InvalidOperationException or TimeoutException)
        {
            await Console.Error.WriteLineAsync($"migrate: {error.Message}");
            return 1;
        }
    }
}
