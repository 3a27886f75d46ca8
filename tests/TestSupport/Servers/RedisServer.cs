using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Weir.Testing;

namespace Weir.TestSupport.Servers;

/// <summary>
/// A redis-server of a test's own: a process on a free port of the loopback interface, with a directory of its own, which
/// ends with the test. It can be stopped, continued, killed, and started again with or without what it had.
/// </summary>
public sealed class RedisServer : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("weir-redis-").FullName;
    private readonly string[] _arguments;
    private Process? _process;

    private RedisServer(int port, string[] arguments)
    {
        Port = port;
        _arguments = arguments;
    }

    public int Port { get; }

    public int ProcessId => _process!.Id;

    public string Address => $"127.0.0.1:{Port}";

    /// <summary>What it has written, for the report of a test that failed.</summary>
    public string Log => File.Exists(LogPath) ? File.ReadAllText(LogPath) : "";

    private string LogPath => Path.Combine(_directory, "log");

    /// <summary>Starts one that answers. Without arguments it keeps its data in memory only.</summary>
    public static async Task<RedisServer> StartAsync(params string[] arguments)
    {
        RedisServer server = new(FreePort(), arguments);
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

    /// <summary>Starts it after <see cref="KillAsync"/>, with the data it has kept in its directory.</summary>
    public async Task StartAgainAsync()
    {
        ProcessStartInfo start = new("redis-server") { WorkingDirectory = _directory };
        foreach (string argument in (string[])
        [
            .. IsSentinel ? (string[])[Path.Combine(_directory, "sentinel.conf"), "--sentinel"] : [],
            "--port", $"{Port}", "--bind", "127.0.0.1", "--dir", _directory, "--logfile", LogPath,
            .. IsSentinel ? (string[])[] : ["--save", "", "--repl-diskless-sync-delay", "0"],
            .. _arguments,
        ])
        {
            start.ArgumentList.Add(argument);
        }

        _process = Process.Start(start) ?? throw new InvalidOperationException("redis-server did not start.");
        await Waiting.UntilAsync(
            async () => _process.HasExited
                ? throw new InvalidOperationException($"redis-server ended at once:\n{Log}")
                : await TryAskAsync("PING") is "+PONG" or ['-', 'N', 'O', 'A', 'U', 'T', 'H', ..],
            "redis-server answers");
    }

    /// <summary>Starts a Sentinel that watches a master, with a quorum of one.</summary>
    public static async Task<RedisServer> StartSentinelAsync(RedisServer master, int downAfterMilliseconds)
    {
        RedisServer sentinel = new(FreePort(), []) { IsSentinel = true };
        await File.WriteAllTextAsync(Path.Combine(sentinel._directory, "sentinel.conf"), $"""
            sentinel monitor weir 127.0.0.1 {master.Port} 1
            sentinel down-after-milliseconds weir {downAfterMilliseconds}
            sentinel failover-timeout weir 3000
            """);
        try
        {
            await sentinel.StartAgainAsync();
            return sentinel;
        }
        catch
        {
            await sentinel.DisposeAsync();
            throw;
        }
    }

    private bool IsSentinel { get; init; }

    /// <summary>Ends it as a crash would.</summary>
    public async Task KillAsync()
    {
        Signals.Kill(_process!.Id);
        await _process.WaitForExitAsync().Within();
    }

    /// <summary>Takes it off the processor: its connections stay, and no answer comes on them.</summary>
    public void Stop() => Signals.Suspend(_process!.Id);

    /// <summary>Continues it after <see cref="Stop"/>.</summary>
    public void Continue() => Signals.Continue(_process!.Id);

    /// <summary>Deletes what it has kept on disk.</summary>
    public void Forget()
    {
        foreach (string path in Directory.GetDirectories(_directory))
        {
            Directory.Delete(path, recursive: true);
        }
    }

    /// <summary>Sends a command, separated by spaces, and reads the first line of the answer.</summary>
    public async Task<string> AskAsync(string command)
    {
        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, Port).Within();
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync(Encoding.UTF8.GetBytes(command + "\r\n")).Within();
        using StreamReader reader = new(stream);
        string line = await reader.ReadLineAsync().Within() ?? throw new EndOfStreamException("redis-server closed the connection.");
        if (line is ['$', not '-', ..])
        {
            char[] text = new char[int.Parse(line[1..], System.Globalization.CultureInfo.InvariantCulture)];
            await reader.ReadBlockAsync(text).Within();
            return new string(text);
        }

        return line;
    }

    /// <summary>One of the lines of INFO.</summary>
    public async Task<string> ReadInfoAsync(string name)
        => (await AskAsync("INFO everything")).Split("\r\n")
            .FirstOrDefault(line => line.StartsWith(name + ":", StringComparison.Ordinal))?[(name.Length + 1)..] ?? "";

    /// <summary>Waits until this replica has all that its master has.</summary>
    public Task HasReplicatedAsync(RedisServer master) => Waiting.UntilAsync(
        async () => await ReadInfoAsync("master_link_status") == "up"
            && await ReadInfoAsync("slave_repl_offset") == await master.ReadInfoAsync("master_repl_offset"),
        "the replica has all");

    /// <summary>Waits until this Sentinel has a replica that it could promote.</summary>
    public Task HasReplicaAsync() => Waiting.UntilAsync(
        async () => (await ReadInfoAsync("master0")).Contains("slaves=1", StringComparison.Ordinal), "the Sentinel knows the replica",
            TimeSpan.FromSeconds(20));

    /// <summary>Its clock.</summary>
    public async Task<DateTimeOffset> ReadTimeAsync()
        => DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(
            (await AskAsync("EVAL \"local t = redis.call('TIME') return '+' .. string.format('%.0f', t[1] * 1000 + t[2] / 1000)\" 0"))[1..],
            System.Globalization.CultureInfo.InvariantCulture));

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
        {
            await KillAsync();
        }

        _process?.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>A port without a listener now, whose number plus 10,000 is one too: a Cluster's nodes connect there.</summary>
    public static int FreePort()
    {
        while (true)
        {
            using TcpListener listener = new(IPAddress.Loopback, 0);
            listener.Start();
            int port = ((IPEndPoint)listener.LocalEndpoint).Port;
            if (port < 55_000)
            {
                return port;
            }
        }
    }

    private async Task<string?> TryAskAsync(string command)
    {
        try
        {
            return await AskAsync(command);
        }
        catch (Exception error) when (error is SocketException or IOException)
        {
            return null;
        }
    }
}
