using System.Net.Sockets;
using Weir.Client;
using Weir.Client.Events;
using Weir.Integration.Hosting;
using Weir.Integration.Servers;
using Weir.Testing;
using Weir.TestSupport;
using Weir.TestSupport.Processes;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Integration.Client;

/// <summary>What can befall a connection, done to real ones: the table in docs/guides/client.md, row by row.</summary>
public sealed class EndingsTests(EmbeddedApplication application) : IAsyncDisposable
{
    private RelayClient? _client;

    public async ValueTask DisposeAsync()
    {
        if (_client is not null)
        {
            await _client.DisposeAsync().AsTask().Within();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task LostConnection_ByFinOrRst_Reconnects(bool reset)
    {
        await using RudeServer server = new();
        Listening<ClientEvent> events = Start(server.Address);
        Socket socket = await server.UpgradeAsync();
        await events.NextAsync<Connected>();

        RudeServer.Disconnect(socket, reset);

        Assert.Equal(EndKind.ConnectionLost, (await events.NextAsync<Disconnected>()).End.Kind);
        await server.UpgradeAsync();
        await events.NextAsync<Connected>();
    }

    // What proxies that are reloaded or ending have been seen to send, or the rest of a frame that they truncated. A code that
    // is final when the server sends it, whole and unmasked, is not tried here.
    [Theory]
    [InlineData("88 02 03 E9")] // 1001
    [InlineData("88 00")] // without a code
    [InlineData("88 01 03")] // half a code
    [InlineData("88 02 00 00")] // codes that may not be sent
    [InlineData("88 02 03 EC")]
    [InlineData("88 02 03 ED")]
    [InlineData("88 02 03 EE")]
    [InlineData("88 02 03 F7")]
    [InlineData("88 02 13 88")]
    [InlineData("88 02 FF FF")]
    [InlineData("88 04 03 E9 C3 28")] // a reason that is not UTF-8
    [InlineData("88 82 00 00 00 00 03 E9")] // masked, which only a client does
    [InlineData("88 82 01 02 03 04 02 EB")]
    [InlineData("08 02 03 E9")] // fragmented
    [InlineData("C8 02 03 E9")] // RSV1
    [InlineData("88 7E 00 80")] // longer than a control frame may be
    [InlineData("01 01 61 88 02 03 E9")] // within a message
    [InlineData("81 05 61 62 88 02 03 E9")] // within a frame, of which it becomes a part
    [InlineData("88 02 03")] // and no more
    [InlineData("48 54 54 50 2F 31 2E 31 20 35 30 32")] // HTTP/1.1 502
    public async Task OddClose_OfAProxy_Reconnects(string bytes)
    {
        await using RudeServer server = new();
        Listening<ClientEvent> events = Start(server.Address);
        Socket socket = await server.UpgradeAsync();
        await events.NextAsync<Connected>();

        await socket.SendAsync(Convert.FromHexString(bytes.Replace(" ", "", StringComparison.Ordinal))).Within();
        RudeServer.Disconnect(socket, reset: false);

        await events.NextAsync<Disconnected>();
        await server.UpgradeAsync();
        await events.NextAsync<Connected>();
    }

    // A proxy whose routes are being changed answers for some seconds what would be final from a server.
    [Theory]
    [InlineData("404 Not Found", 404)]
    [InlineData("403 Forbidden", 403)]
    [InlineData("400 Bad Request", 400)]
    public async Task Refused4xx_AfterAConnection_Reconnects(string statusLine, int status)
    {
        await using RudeServer server = new();
        Listening<ClientEvent> events = Start(server.Address);
        Socket socket = await server.UpgradeAsync();
        await events.NextAsync<Connected>();
        RudeServer.Disconnect(socket, reset: false);
        await events.NextAsync<Disconnected>();

        for (int n = 0; n < 3; n++)
        {
            await server.RefuseAsync(statusLine);
            Assert.Equal(status, (await events.NextAsync<Disconnected>()).End.HttpStatus);
        }

        await server.UpgradeAsync();
        await events.NextAsync<Connected>();
    }

    [Fact]
    public async Task Frozen_IsFoundByTheHeartbeat_AndReconnectsWhenItThaws()
    {
        await using HostProcess host = await HostProcess.StartAsync();
        RelayClientOptions options = Quick.Relay();
        options.PingInterval = TimeSpan.FromMilliseconds(500);
        options.PingTimeout = TimeSpan.FromSeconds(2);
        options.ConnectTimeout = TimeSpan.FromSeconds(2);
        Listening<ClientEvent> events = Start(AddressOf(host), options);
        await UntilConnectedAsync(events);

        host.Stop();

        Assert.Equal(EndKind.HeartbeatTimeout, (await events.NextAsync<Disconnected>()).End.Kind);
        // The kernel continues to accept connections, and the upgrade is not answered.
        Assert.Equal(EndKind.TimedOut, (await events.NextAsync<Disconnected>()).End.Kind);
        host.Continue();
        await UntilConnectedAsync(events);
    }

    [Fact]
    public async Task HalfOpen_IsFoundByTheHeartbeat()
    {
        await using HostProcess host = await HostProcess.StartAsync();
        await using TcpProxy firewall = TcpProxy.Start(host.Port);
        RelayClientOptions options = Quick.Relay();
        options.PingInterval = TimeSpan.FromMilliseconds(500);
        options.PingTimeout = TimeSpan.FromSeconds(2);
        Listening<ClientEvent> events = Start(new Uri($"ws://{firewall.Address}/ws?room=half"), options);
        await events.NextAsync<Connected>();

        firewall.Freeze(); // drops the connection, and notifies neither end

        Assert.Equal(EndKind.HeartbeatTimeout, (await events.NextAsync<Disconnected>()).End.Kind);
        await events.NextAsync<Connected>();
    }

    [Fact]
    public async Task Heartbeat_OfAnIdleConnection_KeepsIt()
    {
        await using HostProcess host = await HostProcess.StartAsync();
        RelayClientOptions options = Quick.Relay();
        options.PingInterval = TimeSpan.FromMilliseconds(50);
        options.PingTimeout = TimeSpan.FromSeconds(10);
        Listening<ClientEvent> events = Start(AddressOf(host), options);
        await events.NextAsync<Connected>();
        using RawClient other = await host.OpenAsync("/ws?room=endings");
        await host.MetricBecomesAsync("weir_connections_active", static active => active == 2);

        // Twenty intervals of its own time.
        await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, CancellationToken.None);
        await other.SendTextAsync("still there?");

        Assert.Equal("still there?", (await events.NextAsync<MessageReceived>()).Message.Text);
    }

    // The client does not read while its application does not: Pongs wait behind messages. That is no dead link before a timeout.
    [Fact]
    public async Task ReaderPausedForLessThanTheTimeout_KeepsTheConnection()
    {
        RelayClientOptions options = Quick.Relay();
        options.InboxCapacity = 1;
        options.PingInterval = TimeSpan.FromMilliseconds(100);
        options.PingTimeout = TimeSpan.FromSeconds(20);
        Listening<ClientEvent> events = Start(application.Server.Address("/echo"), options);
        await events.NextAsync<Connected>();
        for (int n = 0; n < 10; n++)
        {
            await _client!.SendAsync($"{n}").Within();
        }

        await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, CancellationToken.None);

        for (int n = 0; n < 10; n++)
        {
            Assert.Equal($"{n}", (await events.NextAsync<MessageReceived>()).Message.Text);
        }

        Assert.Equal(ClientState.Connected, _client!.State);
    }

    // With Retry-After as many seconds as the server sends, on top of which comes the random part.
    [Theory]
    [InlineData("503 Service Unavailable", 503)]
    [InlineData("429 Too Many Requests", 429)]
    public async Task RefusedTemporarily_ReconnectsAfterTheGivenDelay(string statusLine, int status)
    {
        await using RudeServer server = new();
        Listening<ClientEvent> events = Start(server.Address);

        await server.RefuseAsync(statusLine, "Retry-After: 1\r\n");

        Disconnected refused = await events.NextAsync<Disconnected>();
        Assert.Equal((EndKind.Refused, status), (refused.End.Kind, refused.End.HttpStatus));
        Assert.Equal(TimeSpan.FromSeconds(1), refused.End.RetryAfter);
        Assert.InRange(refused.RetryIn, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1) + Quick.Delay);
        await server.UpgradeAsync();
        await events.NextAsync<Connected>();
    }

    [Theory]
    [InlineData("Weir__Limits__MaxConnections", 503)]
    [InlineData("Weir__Limits__MaxConnectionsPerAddress", 429)]
    public async Task RefusedByAFullHost_ReconnectsWhenItHasCapacity(string limit, int status)
    {
        await using HostProcess host = await HostProcess.StartAsync((limit, "1"));
        RawClient first = await host.OpenAsync("/ws?room=full");
        RelayClientOptions options = Quick.Relay();
        options.Reconnect.MaxRetryAfter = TimeSpan.FromMilliseconds(200); // the server requests ten seconds
        Listening<ClientEvent> events = Start(AddressOf(host), options);

        Disconnected refused = await events.NextAsync<Disconnected>();
        Assert.Equal((EndKind.Refused, status), (refused.End.Kind, refused.End.HttpStatus));
        Assert.Equal(TimeSpan.FromSeconds(10), refused.End.RetryAfter);
        Assert.True(refused.RetryIn >= TimeSpan.FromMilliseconds(200));
        first.Dispose();

        await UntilConnectedAsync(events);
    }

    [Fact]
    public async Task RefusedPermanently_StopsWithTheReason()
    {
        await using HostProcess host = await HostProcess.StartAsync();
        _client = new RelayClient(new Uri($"ws://127.0.0.1:{host.Port}/ws"), [], Quick.Relay()); // no room
        Listening<ClientEvent> events = new(_client.ReadAllAsync());
        _client.Start();

        Assert.Equal((EndKind.Refused, 400), ((await events.NextAsync<Closed>()).End is var end ? (end.Kind, end.HttpStatus) : default));
    }

    [Theory]
    [InlineData(1001)]
    [InlineData(1009)]
    [InlineData(1012)]
    [InlineData(1013)]
    [InlineData(4000)]
    public async Task ClosedTemporarily_Reconnects(int code)
    {
        Listening<ClientEvent> events = Start(application.Server.Address("/echo"));
        await events.NextAsync<Connected>();

        await _client!.SendAsync($"!close {code} for now").Within();

        Disconnected lost = await events.NextAsync<Disconnected>();
        Assert.Equal((EndKind.ClosedByServer, code, "for now"), (lost.End.Kind, lost.End.CloseCode, lost.End.Reason));
        await events.NextAsync<Connected>();
        await _client.SendAsync("echo").Within();
        Assert.Equal("echo", (await events.NextAsync<MessageReceived>()).Message.Text);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(1008)]
    [InlineData(4401)]
    [InlineData(4500)]
    public async Task ClosedPermanently_StopsWithTheReason(int code)
    {
        Listening<ClientEvent> events = Start(application.Server.Address("/echo"));
        await events.NextAsync<Connected>();

        await _client!.SendAsync($"!close {code} for good").Within();

        Assert.Equal((code, "for good"), ((await events.NextAsync<Closed>()).End is var end ? (end.CloseCode, end.Reason) : default));
        await events.EndsAsync();
    }

    [Fact]
    public async Task Closed4401_WithACallback_ReconnectsWithAnotherToken()
    {
        int asked = 0;
        RelayClientOptions options = Quick.Relay();
        options.GetToken = _ => ValueTask.FromResult<string?>($"token{Interlocked.Increment(ref asked)}");
        Listening<ClientEvent> events = Start(application.Server.Address("/echo"), options);
        await events.NextAsync<Connected>();

        await _client!.SendAsync("!close 4401 token expired").Within();

        Assert.Equal(4401, (await events.NextAsync<Disconnected>()).End.CloseCode);
        await events.NextAsync<Connected>();
        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task MessageTooBigForTheServer_IsReportedAndNotRepeated()
    {
        await using HostProcess host = await HostProcess.StartAsync(("Weir__Limits__MaxMessageBytes", "1000"));
        Listening<ClientEvent> events = Start(AddressOf(host));
        await events.NextAsync<Connected>();

        await _client!.SendAsync(new byte[2000]).Within();

        Disconnected lost = await events.NextAsync<Disconnected>();
        Assert.Equal((1009, "message too big"), (lost.End.CloseCode, lost.End.Reason));
        await events.NextAsync<Connected>();
        await host.MetricBecomesAsync("weir_connections_active", static active => active == 1);
        Assert.Equal(ClientState.Connected, _client.State);
    }

    [Fact]
    public async Task MessageTooBigForTheClient_EndsTheConnection_AndTheNextOneWorks()
    {
        RelayClientOptions options = Quick.Relay();
        options.MaxMessageBytes = 10_000;
        Listening<ClientEvent> events = Start(application.Server.Address("/echo"), options);
        await events.NextAsync<Connected>();

        await _client!.SendAsync(new byte[10_000]).Within();
        Assert.Equal(10_000, (await events.NextAsync<MessageReceived>()).Message.Payload.Length);
        await _client.SendAsync(new byte[10_001]).Within();

        Assert.Equal(EndKind.ProtocolError, (await events.NextAsync<Disconnected>()).End.Kind);
        await events.NextAsync<Connected>();
    }

    // No data is sent over a connection that is not trusted; when the certificate has been replaced the client reconnects by itself.
    [Fact]
    public async Task UntrustedCertificate_IsReportedAndTriedAgain()
    {
        bool isTrusted = false;
        RelayClientOptions options = Quick.Relay();
        options.ConfigureSocket = socket => socket.RemoteCertificateValidationCallback = (_, _, _, errors)
            => errors == 0 || Volatile.Read(ref isTrusted);
        Listening<ClientEvent> events = Start(application.Server.Address("/echo", tls: true), options);

        Assert.Equal(EndKind.TlsFailed, (await events.NextAsync<Disconnected>()).End.Kind);
        Volatile.Write(ref isTrusted, true);

        await UntilConnectedAsync(events);
    }

    [Fact]
    public async Task NoListener_ReconnectsOnceThereIsOne()
    {
        int port;
        await using (RudeServer gone = new())
        {
            port = gone.Address.Port;
        }

        Listening<ClientEvent> events = Start(new Uri($"ws://127.0.0.1:{port}/ws?room=r"));

        Assert.Equal(EndKind.Unreachable, (await events.NextAsync<Disconnected>()).End.Kind);
    }

    [Fact]
    public async Task Drain_ReconnectsToAnotherStart()
    {
        string[] address = RestartAddress.NewArguments();
        await using HostProcess host = await HostProcess.StartWithAsync(address);
        Listening<ClientEvent> events = Start(AddressOf(host));
        await events.NextAsync<Connected>();

        host.Terminate();

        Assert.Equal(1001, (await events.NextAsync<Disconnected>()).End.CloseCode);
        await host.ExitAsync();
        await using HostProcess next = await HostProcess.StartWithAsync(address);
        await UntilConnectedAsync(events);
    }

    private static Uri AddressOf(HostProcess host) => new($"ws://127.0.0.1:{host.Port}/ws?room=endings");

    private static async Task UntilConnectedAsync(Listening<ClientEvent> events)
    {
        while (await events.NextAsync() is not Connected)
        {
            // Attempts that failed meanwhile.
        }
    }

    private Listening<ClientEvent> Start(Uri address, RelayClientOptions? options = null)
    {
        _client = new RelayClient(address, [], options ?? Quick.Relay());
        Listening<ClientEvent> events = new(_client.ReadAllAsync());
        _client.Start();
        return events;
    }
}
