using System.Diagnostics;
using System.Net.Sockets;
using Weir.Testing;

namespace Weir.TestSupport.Servers;

/// <summary>A PgBouncer in front of a server, in transaction mode.</summary>
public sealed class PgBouncer : IAsyncDisposable
{
    // Not in the path of users on Debian.
    private const string Program = "/usr/sbin/pgbouncer";

    private readonly string _directory = Directory.CreateTempSubdirectory("weir-pgbouncer-").FullName;
    private Process? _process;

    public int Port { get; } = RedisServer.FreePort();

    public static async Task<PgBouncer> StartAsync(PostgresServer server)
    {
        PgBouncer bouncer = new();
        string configuration = Path.Combine(bouncer._directory, "pgbouncer.ini");
        string users = Path.Combine(bouncer._directory, "users.txt");
        await File.WriteAllTextAsync(users, "\"postgres\" \"\"\n");
        await File.WriteAllTextAsync(configuration, $"""
            [databases]
            * = host=127.0.0.1 port={server.Port}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {bouncer.Port}
            unix_socket_dir =
            auth_type = trust
            auth_file = {users}
            pool_mode = transaction
            ignore_startup_parameters = extra_float_digits
            """);
        using (Process chmod = Process.Start("chmod", ["-R", "a+rX", bouncer._directory])) // it is read by another user
        {
            await chmod.WaitForExitAsync().Within();
        }

        ProcessStartInfo start = Environment.IsPrivilegedProcess
            ? new ProcessStartInfo("setpriv", ["--reuid", "postgres", "--regid", "postgres", "--clear-groups", Program, configuration])
            : new ProcessStartInfo(Program, [configuration]);
        start.RedirectStandardError = true;
        bouncer._process = Process.Start(start)!;
        Task<string> errors = bouncer._process.StandardError.ReadToEndAsync();
        await Waiting.UntilAsync(
            async () =>
            {
                if (bouncer._process.HasExited)
                {
                    throw new InvalidOperationException($"pgbouncer ended at once:\n{await errors}");
                }

                try
                {
                    using TcpClient client = new();
                    await client.ConnectAsync("127.0.0.1", bouncer.Port);
                    return true;
                }
                catch (SocketException)
                {
                    return false;
                }
            },
            "PgBouncer listens");
        return bouncer;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
        {
            Signals.Kill(_process.Id);
            await _process.WaitForExitAsync().Within();
        }

        _process?.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
