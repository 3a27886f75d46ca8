using System.Diagnostics;
using System.Globalization;
using Weir.Testing;

namespace Weir.TestSupport.Servers;

/// <summary>
/// A PostgreSQL of a test's own: a cluster in a directory of its own, whose server is a process on a free port of the loopback interface
/// and ends with the test. It can be stopped in each of its ways, suspended, and started again.
/// </summary>
/// <remarks>The server does not run as root: then it runs as the user <c>postgres</c>, which its package creates.</remarks>
public sealed class PostgresServer : IAsyncDisposable
{
    private const string User = "postgres";

    private static readonly string _binaries = FindBinaries();
    private static readonly SemaphoreSlim _initializing = new(1);
    private static string? _initialized;

    private readonly string _directory;
    private readonly string[] _settings;
    private Process? _process;
    private Task _copying = Task.CompletedTask;
    private bool _isSuspended;

    private PostgresServer(string directory, string[] settings)
    {
        _directory = directory;
        _settings = settings;
    }

    public int Port { get; } = RedisServer.FreePort();

    /// <summary>Of the superuser, for a database that each server has.</summary>
    public string ConnectionString => ConnectionStringOf("postgres");

    /// <summary>What it has written, for the report of a test that failed.</summary>
    public string Log => File.Exists(LogPath) ? File.ReadAllText(LogPath) : "";

    public int ProcessId => _process!.Id;

    private string Data => Path.Combine(_directory, "data");

    private string LogPath => Path.Combine(_directory, "log");

    /// <summary>Starts one that answers, with settings such as <c>fsync=off</c>.</summary>
    public static async Task<PostgresServer> StartAsync(params string[] settings)
    {
        string initialized = await InitializeAsync();
        PostgresServer server = new(CreateDirectory(), settings);
        try
        {
            await RunAsync("cp", "-a", initialized, server.Data);
            await server.StartAgainAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts a standby that follows this server.</summary>
    public async Task<PostgresServer> StartStandbyAsync(params string[] settings)
    {
        PostgresServer standby = new(CreateDirectory(), settings);
        try
        {
            await RunAsUserAsync(
                "pg_basebackup", "-D", standby.Data, "-h", "127.0.0.1", "-p", $"{Port}", "-U", User, "-R", "-X", "stream", "-c", "fast");
            await standby.StartAgainAsync();
            return standby;
        }
        catch
        {
            await standby.DisposeAsync();
            throw;
        }
    }

    public string ConnectionStringOf(string database)
        => $"Host=127.0.0.1;Port={Port};Username={User};Database={database};SSL Mode=Disable;GSS Encryption Mode=Disable";

    /// <summary>Starts it after it has ended, with its data.</summary>
    public async Task StartAgainAsync()
    {
        ProcessStartInfo start = AsUser("postgres");
        foreach (string argument in (string[])["-D", Data, "-p", $"{Port}", "-k", _directory, "-c", "listen_addresses=127.0.0.1"])
        {
            start.ArgumentList.Add(argument);
        }

        // At most this small: several run at a time.
        foreach (string setting in (string[])["shared_buffers=16MB", "logging_collector=off", "max_wal_senders=4", .. _settings])
        {
            start.ArgumentList.Add("-c");
            start.ArgumentList.Add(setting);
        }

        start.RedirectStandardError = true;
        start.RedirectStandardOutput = true;
        Process process = Process.Start(start) ?? throw new InvalidOperationException("postgres did not start.");
        _process = process;
        _copying = Task.WhenAll(_copying, CopyAsync(process.StandardError), CopyAsync(process.StandardOutput));
        await Waiting.UntilAsync(
            async () => process.HasExited
                ? throw new InvalidOperationException($"postgres ended at once:\n{Log}")
                : await IsReadyAsync(),
            "PostgreSQL answers",
            TimeSpan.FromSeconds(60));
    }

    /// <summary>Starts it after it has ended, with an empty database.</summary>
    public async Task StartAgainWithoutDataAsync()
    {
        Directory.Delete(Data, recursive: true);
        await RunAsync("cp", "-a", await InitializeAsync(), Data);
        await StartAgainAsync();
    }

    /// <summary>Ends it: sessions end with 57P01, and all is written.</summary>
    public Task StopFastAsync() => EndAsync("INT");

    /// <summary>Ends it as a crash would: sessions break, and the next start recovers.</summary>
    public Task StopImmediateAsync() => EndAsync("QUIT");

    /// <summary>Takes it and its sessions off the processor: connections stay, and nothing answers on them.</summary>
    public void Suspend()
    {
        // The postmaster first: it would start others.
        _isSuspended = true;
        Signals.Suspend(ProcessId);
        ForEachChild(Signals.Suspend);
    }

    /// <summary>Lets it continue after <see cref="Suspend"/>.</summary>
    public void Continue()
    {
        _isSuspended = false;
        ForEachChild(Signals.Continue);
        Signals.Continue(ProcessId);
    }

    /// <summary>Makes a standby the primary.</summary>
    public Task PromoteAsync() => RunAsUserAsync("pg_ctl", "promote", "-D", Data, "-w");

    /// <summary>Separates a standby from its primary: what it has received already it still applies.</summary>
    public async Task StopFollowingAsync()
    {
        await AskAsync("ALTER SYSTEM SET primary_conninfo = ''");
        await AskAsync("SELECT pg_reload_conf()");
        await Waiting.UntilAsync(
            async () => await AskAsync("SELECT count(*) FROM pg_stat_wal_receiver") == "0",
            "the standby follows no server",
            TimeSpan.FromSeconds(30));
    }

    /// <summary>Runs a statement with psql; returns what it prints, without headings.</summary>
    public Task<string> AskAsync(string sql, string database = "postgres")
        => RunAsUserAsync(
            "psql", "-h", "127.0.0.1", "-p", $"{Port}", "-U", User, "-d", database, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql);

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
        {
            if (_isSuspended)
            {
                Continue();
            }

            await StopImmediateAsync();
        }

        await _copying.Within(TimeSpan.FromSeconds(30)); // its sessions have ended too
        _process?.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task EndAsync(string signal)
    {
        await RunAsync("kill", $"-{signal}", $"{ProcessId}");
        await _process!.WaitForExitAsync().Within(TimeSpan.FromSeconds(30));
    }

    private async Task<bool> IsReadyAsync()
    {
        using Process process = Process.Start(new ProcessStartInfo(
            Path.Combine(_binaries, "pg_isready"), ["-h", "127.0.0.1", "-p", $"{Port}", "-q"]))!;
        await process.WaitForExitAsync().Within();
        return process.ExitCode == 0;
    }

    private async Task CopyAsync(StreamReader from)
    {
        while (await from.ReadLineAsync() is { } line)
        {
            lock (_settings)
            {
                File.AppendAllText(LogPath, line + "\n");
            }
        }
    }

    private void ForEachChild(Action<int> signal)
    {
        foreach (int child in Children())
        {
            try
            {
                signal(child);
            }
            catch (InvalidOperationException) when (!Directory.Exists($"/proc/{child}"))
            {
                // It has just ended.
            }
        }
    }

    private List<int> Children()
    {
        List<int> children = [];
        foreach (string path in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(path), CultureInfo.InvariantCulture, out int id))
            {
                continue;
            }

            try
            {
                // pid (name) state ppid: names may contain spaces.
                string stat = File.ReadAllText(Path.Combine(path, "stat"));
                if (stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1] == $"{ProcessId}")
                {
                    children.Add(id);
                }
            }
            catch (IOException)
            {
                // It has ended meanwhile.
            }
        }

        return children;
    }

    // Once for all servers: a copy takes a tenth of the time.
    private static async Task<string> InitializeAsync()
    {
        await _initializing.WaitAsync();
        try
        {
            if (_initialized is null)
            {
                string data = Path.Combine(CreateDirectory(), "data");
                await RunAsUserAsync("initdb", "-D", data, "-A", "trust", "-U", User, "-E", "UTF8", "--no-locale", "--no-sync");
                AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(Path.GetDirectoryName(data)!, recursive: true);
                _initialized = data;
            }

            return _initialized;
        }
        finally
        {
            _initializing.Release();
        }
    }

    private static string CreateDirectory()
    {
        string directory = Directory.CreateTempSubdirectory("weir-postgres-").FullName;
        if (Environment.IsPrivilegedProcess)
        {
            using Process process = Process.Start("chown", [User, directory]);
            process.WaitForExit();
        }

        return directory;
    }

    private static string FindBinaries()
        => Directory.Exists("/usr/lib/postgresql")
            ? Directory.EnumerateDirectories("/usr/lib/postgresql").Order(StringComparer.Ordinal).Select(static path => Path.Combine(path, "bin"))
                .Last(static path => File.Exists(Path.Combine(path, "postgres")))
            : throw new InvalidOperationException("PostgreSQL is missing; install it (Debian: apt-get install postgresql).");

    // The program replaces setpriv, so that the process is the server itself.
    private static ProcessStartInfo AsUser(string program)
    {
        string path = Path.Combine(_binaries, program);
        return Environment.IsPrivilegedProcess
            ? new ProcessStartInfo("setpriv", ["--reuid", User, "--regid", User, "--clear-groups", path])
            : new ProcessStartInfo(path);
    }

    private static Task<string> RunAsUserAsync(string program, params string[] arguments)
    {
        ProcessStartInfo start = AsUser(program);
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return RunAsync(start);
    }

    private static Task<string> RunAsync(string program, params string[] arguments) => RunAsync(new ProcessStartInfo(program, arguments));

    private static async Task<string> RunAsync(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync().Within(TimeSpan.FromSeconds(60));
        await process.WaitForExitAsync().Within(TimeSpan.FromSeconds(60));
        return process.ExitCode == 0
            ? output.TrimEnd()
            : throw new InvalidOperationException($"{start.FileName} {string.Join(' ', start.ArgumentList)}: {process.ExitCode}\n{output}{await errors}");
    }
}
