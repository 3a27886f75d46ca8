using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Weir.Testing;

namespace Weir.TestSupport.Servers;

/// <summary>
/// A nats-server of a test's own, with JetStream: a process on a free port of the loopback interface, with a directory of its own, which
/// ends with the test. It can be stopped, continued, killed, and started again with or without what it had.
/// </summary>
public sealed class NatsServer : IAsyncDisposable
{
    private const string DefaultLimits = "max_mem: 64MB, max_file: 8GB";

    private readonly string _directory = Directory.CreateTempSubdirectory("weir-nats-").FullName;
    private readonly string _configuration;
    private Process? _process;

    private NatsServer(int port, string configuration)
    {
        Port = port;
        _configuration = configuration;
    }

    public int Port { get; }

    /// <summary>The process's id.</summary>
    public int ProcessId => _process!.Id;

    /// <summary>Its address for clients.</summary>
    public string Url => $"nats://127.0.0.1:{Port}";

    /// <summary>What it has written, for the report of a test that failed.</summary>
    public string Log => File.Exists(LogPath) ? File.ReadAllText(LogPath) : "";

    private string LogPath => Path.Combine(_directory, "log");

    private string StorePath => Path.Combine(_directory, "store");

    /// <summary>Starts one that answers.</summary>
    /// <param name="configuration">Lines of its configuration besides address, log and JetStream's directory.</param>
    /// <param name="jetStream">JetStream's limits; <c>null</c>: it does not store.</param>
    public static async Task<NatsServer> StartAsync(string configuration = "", string? jetStream = DefaultLimits)
    {
        NatsServer server = Create(configuration, RedisServer.FreePort(), jetStream);
        try
        {
            await server.StartAgainAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Creates one that <see cref="StartAgainAsync"/> starts.</summary>
    public static NatsServer Create(string configuration, int port, string? jetStream = DefaultLimits)
        => new(port, configuration) { JetStream = jetStream };

    private string? JetStream { get; init; }

    /// <summary>Starts it, after <see cref="KillAsync"/> with the data it has kept in its directory.</summary>
    public async Task StartAgainAsync()
    {
        string path = Path.Combine(_directory, "nats.conf");
        await File.WriteAllTextAsync(path, $$"""
            listen: "127.0.0.1:{{Port}}"
            log_file: "{{LogPath}}"
            {{(JetStream is null ? "" : $$"""jetstream: { store_dir: "{{StorePath}}", {{JetStream}} }""")}}
            {{_configuration}}
            """);
        _process = Process.Start(new ProcessStartInfo("nats-server", ["-c", path]) { WorkingDirectory = _directory, RedirectStandardError = true })
            ?? throw new InvalidOperationException("nats-server did not start.");
        await Waiting.UntilAsync(
            async () => _process.HasExited
                ? throw new InvalidOperationException($"nats-server ended at once:\n{await _process.StandardError.ReadToEndAsync()}{Log}")
                : await AnswersAsync(),
            "nats-server answers");
    }

    /// <summary>Ends it as a crash would.</summary>
    public Task KillAsync() => EndAsync(Signals.Kill);

    /// <summary>Ends it in an orderly way, without notice to its clients.</summary>
    public Task TerminateAsync() => EndAsync(Signals.Terminate);

    /// <summary>Lets it announce that it is about to stop; it serves for a while yet.</summary>
    public void EnterLameDuckMode() => Signals.UserTwo(_process!.Id);

    /// <summary>Requests that it is taken off the processor: its connections stay, and nothing answers on them.</summary>
    public void Stop() => Signals.Suspend(_process!.Id);

    /// <summary>Takes it off the processor, with all its threads.</summary>
    public Task StopAsync()
    {
        Stop();
        string tasks = $"/proc/{_process!.Id}/task";
        return Waiting.UntilAsync(
            () => Task.FromResult(Directory.GetDirectories(tasks).All(
                static thread => File.ReadLines(Path.Combine(thread, "status")).Any(
                    static line => line.StartsWith("State:\tT", StringComparison.Ordinal)))),
            "all threads are stopped");
    }

    /// <summary>Lets it go on after <see cref="StopAsync"/>.</summary>
    public void Continue() => Signals.Continue(_process!.Id);

    /// <summary>Deletes what it has kept on disk.</summary>
    public void Forget()
    {
        if (Directory.Exists(StorePath))
        {
            Directory.Delete(StorePath, recursive: true);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
        {
            await KillAsync();
        }

        _process?.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task EndAsync(Action<int> signal)
    {
        signal(_process!.Id);
        await _process.WaitForExitAsync().Within();
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            using TcpClient client = new();
            await client.ConnectAsync(IPAddress.Loopback, Port).Within();
            using StreamReader reader = new(client.GetStream());
            return (await reader.ReadLineAsync().Within())?.StartsWith("INFO ", StringComparison.Ordinal) == true;
        }
        catch (Exception error) when (error is SocketException or IOException)
        {
            return false;
        }
    }
}
