using System.Net.WebSockets;
using Weir.Integration.Servers;
using Weir.Testing;
using Weir.TestSupport;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Wire;

/// <summary>Streams of one HTTP/2 connection: their limit, and the answer to a client that is too slow for its own.</summary>
public sealed class Http2StreamTests : IDisposable
{
    private const int Cancel = 0x8; // RFC 9113 7
    private const string Password = "for the test";

    private readonly string _pfx = Path.Combine(Path.GetTempPath(), $"weir-{Guid.NewGuid():N}.pfx");

    public Http2StreamTests() => TestCertificate.WriteTo(_pfx, Password);

    public void Dispose() => File.Delete(_pfx);

    [Fact]
    public async Task SlowReader_OfAWebSocket_IsResetWithCancel()
    {
        await using TestServer server = await TestServer.StartAsync(static _ => { }, static app => app.MapWeir(
            "/relay",
            SingleNode.NewRelay(),
            static options =>
            {
                NoHeartbeat.Configure(options);
                options.Pressure.CloseAtBytes = 128 * 1024;
                options.Pressure.CloseTimeout = TimeSpan.FromSeconds(1);
            }));
        using HttpMessageInvoker http = WebSockets.TrustingInvoker();
        using ClientWebSocket publisher = await WebSockets.ConnectHttp2Async(server.Address("/relay?room=slow", tls: true), http);
        using Http2Client slow = await Http2Client.ConnectAsync(server.TlsPort); // gives the server no window beyond the first 64 KiB
        Assert.Equal(200, (await slow.ConnectWebSocketAsync("/relay?room=slow")).Status);
        Task<int?> ended = slow.ReadEndAsync();

        byte[] message = new byte[16 * 1024];
        while (server.Metrics.Sum("weir.connections.too_slow") == 0)
        {
            await publisher.SendAsync(message);
        }

        Assert.Equal(Cancel, await ended.Within());
    }

    [Fact]
    public async Task SlowReader_OfAStream_IsResetWithCancel()
    {
        await using HostProcess host = await StartAsync();
        using HttpMessageInvoker http = WebSockets.TrustingInvoker();
        using ClientWebSocket publisher = await WebSockets.ConnectHttp2Async(AddressOf(host), http);
        using Http2Client slow = await Http2Client.ConnectAsync(host.Port);
        Assert.Equal(200, (await slow.GetAsync("/sse?room=a", ("accept", "text/event-stream"))).Status);
        Task<int?> ended = slow.ReadEndAsync();

        string message = new('x', 16 * 1024);
        while (!ended.IsCompleted)
        {
            await publisher.SendAsync(message);
        }

        Assert.Equal(Cancel, await ended);
    }

    [Fact]
    public async Task Streams_OfOneConnection_MoreThanAHundredWorkByDefault()
    {
        await using HostProcess host = await StartAsync();
        using Http2Client client = await Http2Client.ConnectAsync(host.Port);
        Assert.Equal(200, (await client.GetAsync("/health/live")).Status);
        Assert.Equal(1000, client.MaxConcurrentStreams);
        using HttpMessageInvoker http = WebSockets.TrustingInvoker(); // one connection for all

        ClientWebSocket[] sockets = await Task.WhenAll(
            Enumerable.Range(0, 101).Select(_ => WebSockets.ConnectHttp2Async(AddressOf(host), http))).Within();

        await sockets[0].SendAsync("to the others");
        Assert.All(await Task.WhenAll(sockets[1..].Select(static each => each.ReceiveTextAsync())).Within(),
            static text => Assert.Equal("to the others", text));
        Array.ForEach(sockets, static socket => socket.Dispose());
    }

    [Fact]
    public async Task Streams_OfOneConnection_AreAsManyAsIsSet()
    {
        await using HostProcess host = await StartAsync(("Weir__Limits__MaxStreamsPerConnection", "7"));
        using Http2Client client = await Http2Client.ConnectAsync(host.Port);

        Assert.Equal(200, (await client.GetAsync("/health/live")).Status);

        Assert.Equal(7, client.MaxConcurrentStreams);
    }

    private static Uri AddressOf(HostProcess host) => new($"wss://127.0.0.1:{host.Port}/ws?room=a");

    private Task<HostProcess> StartAsync(params (string, string)[] settings) => HostProcess.StartWithAsync(
        ["--urls", "https://127.0.0.1:0"],
        [.. settings, ("Kestrel__Certificates__Default__Path", _pfx), ("Kestrel__Certificates__Default__Password", Password)]);
}
