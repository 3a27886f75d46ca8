using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Proxy;

/// <summary>A listener that trusts 10.1.0.0/24 and 2001:db8:10::/48, and one connection to it over a checked pool.</summary>
internal sealed class ProxyServer : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly DiagnosticMemoryPool _pool;

    public ProxyServer(string? remote = "10.1.0.9:40000", int blockSize = 4096)
    {
        _services = new ServiceCollection()
            .AddSingleton<ILoggerFactory>(Log)
            .AddSingleton<IMeterFactory>(Metrics)
            .AddSingleton<TimeProvider>(Time)
            .BuildServiceProvider();
        Builder = new ConnectionBuilder(_services);
        _pool = new DiagnosticMemoryPool(blockSize);
        Connection = new InMemoryConnection(new InMemoryConnectionOptions { Pool = _pool })
        {
            RemoteEndPoint = remote is null ? null : IPEndPoint.Parse(remote),
            LocalEndPoint = Local,
        };
    }

    public static IPEndPoint Local { get; } = IPEndPoint.Parse("10.1.0.1:80");

    public static IReadOnlyList<IPNetwork> Trusted { get; } = [IPNetwork.Parse("10.1.0.0/24"), IPNetwork.Parse("2001:db8:10::/48")];

    public FakeTimeProvider Time { get; } = new();

    public LogProbe Log { get; } = new();

    public MetricProbe Metrics { get; } = new();

    public ConnectionBuilder Builder { get; }

    public InMemoryConnection Connection { get; }

    /// <summary>Done when the listener is done with the connection; throws what it threw.</summary>
    public Task Done { get; private set; } = Task.CompletedTask;

    /// <summary>What came through the middleware: null until it called on.</summary>
    public (EndPoint? Remote, EndPoint? Local)? Passed { get; private set; }

    /// <summary>Starts the connection, behind the middleware a terminal that notes the addresses and sends back all bytes.</summary>
    public void StartEcho(IReadOnlyList<IPNetwork>? trusted = null, TimeSpan? timeout = null)
    {
        Builder.UseProxyProtocol(trusted ?? Trusted, timeout);
        Builder.Use(_ => async connection =>
        {
            Passed = (connection.RemoteEndPoint, connection.LocalEndPoint);
            await connection.Transport.Input.CopyToAsync(connection.Transport.Output);
        });
        Start();
    }

    public void Start() => Done = Builder.Build()(Connection);

    public Task SendAsync(ReadOnlyMemory<byte> bytes) => Connection.ClientEnd.Output.WriteAsync(bytes).Within();

    /// <summary>The connection was aborted, logged once and at Debug, counted once, and not passed on.</summary>
    public async Task AssertRefusedAsync(string eventName, string reason)
    {
        await Done.Within();
        Assert.Null(Passed);
        Assert.Single(Connection.Aborts);
        Assert.Equal(1, Metrics.Sum("weir.handshakes.refused"));
        Assert.Equal(1, Metrics.Sum("weir.handshakes.refused", ("weir.refusal.reason", reason)));
        LogRecord record = Assert.Single(Log.Records);
        Assert.Equal(eventName, record.EventId.Name);
        Assert.Equal(LogLevel.Debug, record.Level);
        Assert.Empty(await Connection.ClientEnd.Input.ReadToEndAsync());
    }

    /// <summary>Ends the connection as Kestrel does, and finds every block returned.</summary>
    public async ValueTask DisposeAsync()
    {
        await Connection.ClientEnd.Output.CompleteAsync();
        await Connection.DisposeAsync();
        await Done.Within();
        await Connection.ClientEnd.Input.CompleteAsync();
        await _services.DisposeAsync();
        Metrics.Dispose();
        _pool.AssertClean();
    }
}
