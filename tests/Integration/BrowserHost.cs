using Weir.Integration.Servers;
using Weir.Testing;

namespace Weir.Integration;

/// <summary>
/// The server as its users run it: a process of its own, on a free loopback port. Disposing kills it if it still runs.
/// </summary>
internal sealed class BrowserHost : IAsyncDisposable
{
    private const string UpPrefix = "Weir is up. Point a browser at ";


    private readonly ChildProcess _process;

    private BrowserHost(ChildProcess process, string url)
    {
        _process = process;
        Url = url;
    }

    /// <summary>The address of the page, with the slash at its end.</summary>
    public string Url { get; }

    public int ProcessId => _process.Id;

    /// <exception cref="InvalidOperationException">The server ended, or did not report in time that it is up.</exception>
    public static async Task<BrowserHost> StartAsync()
    {
        string directory = AppContext.BaseDirectory;
        ChildProcess process = ChildProcess.Start(
            "dotnet",
            [
                Path.Combine(directory, "Weir.Host.dll"), "--urls", "http://127.0.0.1:0", "--Weir:WarmUp=false",
                "--Weir:Rooms:0:Pattern=kept", "--Weir:Rooms:0:HistorySize=100", "--Weir:Rooms:0:Presence=true",
            ],
            directory);
        try
        {
            Task<int> ended = process.ExitCodeAsync();
            await Bounded.Eventually(() => process.LineStartingWith(UpPrefix) is not null || ended.IsCompleted, Bounded.StartLimit);
            string line = process.LineStartingWith(UpPrefix) ?? throw new InvalidOperationException("It ended.");
            return new BrowserHost(process, line[UpPrefix.Length..].TrimEnd('/') + "/");
        }
        catch (Exception error)
        {
            await process.DisposeAsync();
            throw new InvalidOperationException($"The server did not start:\n{process.Output}", error);
        }
    }

    /// <summary>Waits, with a bound, for the end of the process, which another process causes.</summary>
    public Task<int> ExitCodeAsync() => _process.ExitCodeAsync().Within();

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
