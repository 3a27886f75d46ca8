using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Weir.Integration.Servers;
using Weir.LoadTest.Running;
using Weir.Testing;
using Weir.TestSupport;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Deploy;

/// <summary>
/// nginx, HAProxy or Caddy with a file of <c>deploy/</c>, in which only these are changed: ports, paths and the nodes' names. Ends with
/// its test.
/// </summary>
internal sealed class LoadBalancer : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("weir-deploy").FullName;
    private ChildProcess? _process;

    private LoadBalancer() => Port = LocalServer.FreePort();

    public int Port { get; }

    public int ProcessId => _process!.Id;

    public string Output => _process!.Output;

    /// <summary>Starts nginx; <paramref name="changes"/> are made to the file like those of ports and paths.</summary>
    public static async Task<LoadBalancer> StartNginxAsync(string file, int[] nodes, params (string Old, string New)[] changes)
    {
        LoadBalancer nginx = new();
        string config = await nginx.PrepareAsync($"nginx/{file}", nodes, [
            ("listen 443 ssl", $"listen 127.0.0.1:{nginx.Port} ssl"),
            ("/etc/nginx/tls/weir.crt", nginx.PathOf("weir.crt")),
            ("/etc/nginx/tls/weir.key", nginx.PathOf("weir.key")),
            .. changes]);
        // The directories of the system's own nginx are not touched.
        string globals = $"daemon off; pid {nginx.PathOf("nginx.pid")}; error_log stderr notice;";
        await nginx.StartAsync("nginx", ["-c", config, "-g", globals]);
        return nginx;
    }

    /// <summary>Starts HAProxy; <paramref name="changes"/> are made to the file like those of ports and paths.</summary>
    public static async Task<LoadBalancer> StartHaproxyAsync(int[] nodes, params (string Old, string New)[] changes)
    {
        LoadBalancer haproxy = new();
        string config = await haproxy.PrepareAsync("haproxy/haproxy.cfg", nodes, [
            ("bind :443 ssl", $"bind 127.0.0.1:{haproxy.Port} ssl"),
            ("/etc/haproxy/weir.pem", haproxy.PathOf("weir.pem")),
            ("maxconn 60000", "maxconn 2000"),
            .. changes]);
        await haproxy.StartAsync("haproxy", ["-db", "-f", config]);
        return haproxy;
    }

    /// <summary>A client that speaks HTTP to it, whatever its certificate.</summary>
    public HttpClient NewHttpClient() => new(new SocketsHttpHandler
    {
        SslOptions = { RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null },
    })
    {
        BaseAddress = new Uri($"https://127.0.0.1:{Port}"),
    };

    /// <summary>Starts Caddy.</summary>
    public static async Task<LoadBalancer> StartCaddyAsync(int[] nodes)
    {
        LoadBalancer caddy = new();
        string config = await caddy.PrepareAsync("caddy/Caddyfile", nodes, [
            ("https://:443", $"https://:{caddy.Port}"),
            ("localhost:2019", $"127.0.0.1:{LocalServer.FreePort()}"),
            ("/etc/caddy/weir.crt", caddy.PathOf("weir.crt")),
            ("/etc/caddy/weir.key", caddy.PathOf("weir.key"))]);
        await caddy.StartAsync("caddy", ["run", "--config", config, "--adapter", "caddyfile"]);
        return caddy;
    }

    /// <summary>Has Caddy read its file again though it has not changed.</summary>
    public async Task ReloadCaddyAsync()
    {
        await using ChildProcess reload =
            ChildProcess.Start("caddy", ["reload", "--force", "--config", PathOf("config"), "--adapter", "caddyfile"], _directory);
        Assert.Equal(0, await reload.ExitCodeAsync().Within());
    }

    /// <summary>Reloads its file, as an operator does.</summary>
    public void Reload() => Signals.HangUp(ProcessId);

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        Directory.Delete(_directory, recursive: true);
    }

    private string PathOf(string name) => Path.Combine(_directory, name);

    private async Task<string> PrepareAsync(string file, int[] nodes, (string Old, string New)[] changes)
    {
        using X509Certificate2 certificate = TestCertificate.Create();
        string key = certificate.GetECDsaPrivateKey()!.ExportECPrivateKeyPem();
        await File.WriteAllTextAsync(PathOf("weir.crt"), certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(PathOf("weir.key"), key);
        await File.WriteAllTextAsync(PathOf("weir.pem"), $"{certificate.ExportCertificatePem()}\n{key}\n");

        string text = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "deploy", file));
        foreach ((string old, string @new) in changes.Concat(nodes.Select(static (port, n) => ($"node{n + 1}:8080", $"127.0.0.1:{port}"))))
        {
            Assert.Contains(old, text, StringComparison.Ordinal); // else the test would not run with its change
            text = text.Replace(old, @new, StringComparison.Ordinal);
        }

        await File.WriteAllTextAsync(PathOf("config"), text);
        return PathOf("config");
    }

    private async Task StartAsync(string command, string[] arguments)
    {
        try
        {
            _process = ChildProcess.Start(command, arguments, _directory);
            Task<int> ended = _process.ExitCodeAsync();
            await Bounded.Eventually(() => ended.IsCompleted || IsListening(), Bounded.StartLimit, $"{command} listens");
            Assert.False(ended.IsCompleted, $"{command} ended at once:\n{_process.Output}");
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    private bool IsListening()
    {
        try
        {
            using TcpClient client = new();
            client.Connect(IPAddress.Loopback, Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
