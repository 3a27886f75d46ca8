using System.Collections.Concurrent;
using Weir.LoadTest.Running;

namespace Weir.LoadTest.Suite;

/// <summary>Servers that are started for a run, each on a port of its own, and end with it however it ends.</summary>
internal sealed class SuiteServers : IDisposable
{
    private readonly ConcurrentBag<LocalServer> _servers = [];

    /// <summary>Null: there is none to start.</summary>
    public string? Command { get; set; }

    /// <param name="port">0: one that is free.</param>
    /// <exception cref="InvalidOperationException">It does not come up; with its output.</exception>
    public async Task<LocalServer> StartAsync(int port = 0)
    {
        string command = Command ?? throw new InvalidOperationException("There is no --server to start.");
        LocalServer server = LocalServer.Of(command, port);
        _servers.Add(server);
        await server.StartAsync();
        return server;
    }

    public void Dispose()
    {
        foreach (LocalServer server in _servers)
        {
            server.Dispose();
        }
    }
}
