using Weir.Brokers.Postgres.Tests;
using Weir.TestSupport.Servers;
using Xunit;

[assembly: AssemblyFixture(typeof(SharedPostgres))]

namespace Weir.Brokers.Postgres.Tests;

/// <summary>One server for the tests that do it no harm: each has rooms, or a database, of its own.</summary>
public sealed class SharedPostgres : IAsyncLifetime
{
    private const string Template = "template_weir";

    private readonly SemaphoreSlim _copying = new(1);
    private PostgresServer? _server;

    internal PostgresServer Server => _server!;

    public async ValueTask InitializeAsync()
    {
        _server = await PostgresServer.StartAsync("max_connections=400");
        await PostgresMigration.RunAsync(_server.ConnectionString);
        await _server.AskAsync($"CREATE DATABASE {Template}");
        await PostgresMigration.RunAsync(_server.ConnectionStringOf(Template));
    }

    /// <summary>Creates a database with the schema; returns its name.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        string name = "db_" + Guid.NewGuid().ToString("N");
        await _copying.WaitAsync(); // a template may have no other session
        try
        {
            await _server!.AskAsync($"CREATE DATABASE {name} TEMPLATE {Template}");
        }
        finally
        {
            _copying.Release();
        }

        return name;
    }

    public ValueTask DisposeAsync() => _server!.DisposeAsync();
}
