using System.Text;
using Weir.Core.Tests.Handshake;
using Weir.Handshake;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Connections;

public sealed class WeirMiddlewareHandshakeTests
{
    private const string Accepted =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

    [Fact]
    public async Task Head_Valid_IsAcceptedByteForByte()
    {
        await using WeirConnectionHarness server = new(options => options.Subprotocols = ["v2", "v1"]);

        WeirConnectionClient plain = await server.ConnectAsync();
        Assert.Equal(Accepted + "\r\n", await plain.ReadHeadAsync());
        Assert.Null(server.Handler.Connection.Subprotocol);

        WeirConnectionClient chosen = await server.ConnectAsync(head: TestHead.With("Sec-WebSocket-Protocol: v1, v2, v3"));
        Assert.Equal(Accepted + "Sec-WebSocket-Protocol: v2\r\n\r\n", await chosen.ReadHeadAsync());
        Assert.Equal("v2", server.Handler.Connection.Subprotocol);

        WeirConnectionClient unknown = await server.ConnectAsync(head: TestHead.With("Sec-WebSocket-Protocol: v3"));
        Assert.Equal(Accepted + "\r\n", await unknown.ReadHeadAsync());
        Assert.Equal(0, server.NextCalls);
    }

    [Fact]
    public async Task Head_OffersDeflate_IsAnsweredAndUsed()
    {
        await using WeirConnectionHarness server = new(options => options.Deflate.Enabled = true);
        server.Handler.OnMessage = (connection, message) =>
        {
            connection.Send(message.Payload, message.Kind);
            return default;
        };

        WeirConnectionClient client = await server.ConnectAsync(head: TestHead.With("Sec-WebSocket-Extensions: permessage-deflate"));
        Assert.Equal(
            Accepted + "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n\r\n",
            await client.ReadHeadAsync());
        // RFC 7692 section 7.2.3.2: "Hello" twice, the second by the window of the first, which the client may keep unless it
        // offered not to. Apple's stacks keep it even when the response forbids it.
        await client.SendAsync(
            Frames.Client(1, Frames.Hex("F2 48 CD C9 C9 07 00"), rsv: 4),
            Frames.Client(1, Frames.Hex("F2 00 11 00 00"), rsv: 4),
            Frames.Text(new string('a', 1_000)));

        Assert.Equal("Hello", (await client.ReadFrameAsync()).Text);
        Assert.Equal("Hello", (await client.ReadFrameAsync()).Text);
        ServerFrame compressed = await client.ReadFrameAsync();
        Assert.Equal(4, compressed.Rsv);
        Assert.Equal(new string('a', 1_000), Encoding.UTF8.GetString(new Compression.PlainInflater().Decode(compressed.Payload)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(4096)]
    public async Task Head_ByteByByte_IsAccepted(int blockSize)
    {
        await using WeirConnectionHarness server = new(blockSize: blockSize);
        WeirConnectionClient client = server.Dial();

        await client.SendByteByByteAsync(Encoding.Latin1.GetBytes(TestHead.Valid));

        Assert.Equal(Accepted + "\r\n", await client.ReadHeadAsync());
        Assert.Equal(["upgrade", "opened"], server.Handler.Calls);
    }

    [Fact]
    public async Task Head_FramesBehindIt_AreNotLost()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = server.Dial();

        await client.SendAsync(
            [.. Encoding.Latin1.GetBytes(TestHead.Valid), .. Frames.Text("one"), .. Frames.Text("two"), .. Frames.Close()]);

        await client.ReadHeadAsync();
        Assert.Equal(1000, (await client.ReadFrameAsync()).CloseCode);
        await client.Finished.Within();
        Assert.Equal(["upgrade", "opened", "one", "two", "closed"], server.Handler.Calls);
    }

    [Fact]
    public async Task Head_OtherPath_FindsItsEndpoint()
    {
        await using WeirConnectionHarness server = new();

        await server.ConnectAsync(head: TestHead.With(target: "/chat/room%201?token=secret"));

        Assert.Equal(["upgrade", "opened"], server.OtherHandler.Calls);
        Assert.Empty(server.Handler.Calls);
        Assert.Equal("/chat/room 1", server.OtherHandler.Connection.Path);
        Assert.Equal("secret", server.OtherHandler.Connection.Request.GetQueryValue("token"));
        Assert.DoesNotContain(server.Log.Records, record => record.Message.Contains("secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Refusal_BrokenRule_IsAnsweredByteForByteAndClosed()
    {
        await AssertRefusedAsync(
            TestHead.With(without: "Sec-WebSocket-Key"),
            "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 78\r\nConnection: close\r\n\r\n"
            + "Exactly one Sec-WebSocket-Key is needed: 16 bytes in base64 (RFC 6455 4.2.1).\n");
        await AssertRefusedAsync(
            TestHead.Replacing("Sec-WebSocket-Version", "8"),
            "HTTP/1.1 426 Upgrade Required\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 49\r\n"
            + "Connection: close, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"
            + "Sec-WebSocket-Version must be 13 (RFC 6455 4.4).\n");
        await AssertRefusedAsync(
            TestHead.With("Origin: https://evil.example"),
            "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 45\r\nConnection: close\r\n\r\n"
            + "This Origin may not connect (RFC 6455 10.2).\n");
        await AssertRefusedAsync(
            TestHead.With(version: "HTTP/1.0"),
            "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 47\r\nConnection: close\r\n\r\n"
            + "The handshake needs HTTP/1.1 (RFC 6455 4.2.1).\n");
    }

    [Fact]
    public async Task Refusal_ByTheHandler_IsAnsweredByteForByte()
    {
        await using WeirConnectionHarness server = new();
        server.Handler.OnUpgrade = async request =>
        {
            await Task.Yield();
            return request.GetQueryValue("token") is null ? UpgradeDecision.Refuse(401, "A token is needed.") : UpgradeDecision.Accept;
        };
        WeirConnectionClient client = server.Dial();
        await client.SendAsync(TestHead.Valid);

        Assert.Equal(
            "HTTP/1.1 401 Unauthorized\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 19\r\nConnection: close\r\n"
            + "WWW-Authenticate: Bearer\r\n\r\nA token is needed.\n",
            await client.ReadToEndAsync());
        await client.Finished.Within();
        Assert.Equal(["upgrade"], server.Handler.Calls);
        Assert.Equal(1, server.Metrics.Sum("weir.handshakes.refused", ("http.response.status_code", 401)));
        Assert.Equal(401, Assert.Single(server.Log.Of("HandshakeRefused")).Values["StatusCode"]);

        await server.ConnectAsync(head: TestHead.With(target: "/ws?token=1"));
        await Bounded.Eventually(() => server.Handler.Calls.Count == 3);
        Assert.Equal(["upgrade", "upgrade", "opened"], server.Handler.Calls);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Refusal_HandlerThrows_Is500AndLoggedOnce(bool isAsync)
    {
        await using WeirConnectionHarness server = new();
        OperationCanceledException error = new("do not tell the client");
        server.Handler.OnUpgrade = async _ =>
        {
            await Task.Yield();
            throw error;
        };
        if (!isAsync)
        {
            server.Handler.OnUpgrade = _ => throw error;
        }

        WeirConnectionClient client = server.Dial();
        await client.SendAsync(TestHead.Valid);

        Assert.Equal(
            "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 16\r\nConnection: close\r\n\r\n"
            + "Internal error.\n",
            await client.ReadToEndAsync());
        await client.Finished.Within();
        LogRecord logged = Assert.Single(server.Log.Records, record => record.Exception is not null);
        Assert.Equal("UpgradeHandlerFailed", logged.EventId.Name);
        Assert.Same(error, logged.Exception);
        Assert.Equal(["upgrade"], server.Handler.Calls);
    }

    [Fact]
    public async Task Head_TooLarge_IsAnsweredWhileTheClientStillSends()
    {
        await using WeirConnectionHarness server = new(options => options.MaxHeadBytes = 256);
        WeirConnectionClient client = server.Dial();
        await client.SendAsync("GET /ws HTTP/1.1\r\nCookie: " + new string('x', 300));
        await client.SendAsync(new string('x', 10_000));

        Assert.False(client.Finished.IsCompleted); // closing now would reset the client before it has read
        Assert.StartsWith("HTTP/1.1 431 Request Header Fields Too Large\r\n", await client.ReadHeadAsync(), StringComparison.Ordinal);
        server.Time.Pass(TimeSpan.FromMilliseconds(999));
        await client.SendAsync("x");
        Assert.False(client.Finished.IsCompleted);
        server.Time.Pass(TimeSpan.FromMilliseconds(1));

        await client.Finished.Within();
        Assert.Equal("The request head is too large (RFC 6585 5).\n", await client.ReadToEndAsync());
        Assert.Equal(1, server.Metrics.Sum("weir.handshakes.refused", ("http.response.status_code", 431)));
        Assert.Equal(0, server.NextCalls);
    }

    [Fact]
    public async Task HeaderBlock_TooLargeAndTheClientDisconnects_EndsAtOnce()
    {
        await using WeirConnectionHarness server = new(options => options.MaxHeadBytes = 256);
        WeirConnectionClient client = server.Dial();
        await client.SendAsync("GET /ws HTTP/1.1\r\nCookie: " + new string('x', 300));

        client.EndOutput();

        await client.Finished.Within();
        Assert.Contains(" 431 ", await client.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refusal_WithFramesBehindTheHeaderBlock_ReadsTheRest()
    {
        await using WeirConnectionHarness server = new();
        server.Handler.OnUpgrade = static _ => new(UpgradeDecision.Refuse(403, "no"));
        WeirConnectionClient client = server.Dial();
        await client.SendAsync(TestHead.Valid + new string('x', 1_000));

        Assert.StartsWith("HTTP/1.1 403 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
        server.Time.Pass(TimeSpan.FromMilliseconds(900));
        await client.SendAsync(new string('x', 100_000)); // returns only when it is read: more than the pipe holds
        Assert.False(client.Finished.IsCompleted);
        server.Time.Pass(TimeSpan.FromMilliseconds(200));

        await client.Finished.Within();
    }

    [Fact]
    public async Task Refusal_WithoutDataBehindTheHeaderBlock_EndsAtOnce()
    {
        await using WeirConnectionHarness server = new();
        server.Handler.OnUpgrade = static _ => new(UpgradeDecision.Refuse(403, "no"));
        WeirConnectionClient client = server.Dial();
        await client.SendAsync(TestHead.Valid);

        await client.Finished.Within();
    }

    [Theory]
    [InlineData("")]
    [InlineData("GET /ws HTTP/1.1\r\nHost: a\r\n")]
    public async Task Timeout_NoHead_ClosesWithoutAnAnswer(string sent)
    {
        await using WeirConnectionHarness server = new(options => options.HandshakeTimeout = TimeSpan.FromSeconds(3));
        WeirConnectionClient client = server.Dial();
        await client.SendAsync(sent);

        server.Wait(TimeSpan.FromSeconds(2.9));
        Assert.False(client.Finished.IsCompleted);
        server.Wait(TimeSpan.FromSeconds(0.2));

        await client.Finished.Within();
        Assert.Equal("", await client.ReadToEndAsync());
        Assert.Equal("The WebSocket handshake took too long.", client.Transport.AbortReason?.Message);
        Assert.Equal(TimeSpan.FromSeconds(3), Assert.Single(server.Log.Of("HandshakeTimedOut")).Values["Timeout"]);
        Assert.Equal(1, server.Metrics.Sum("weir.handshakes.refused", ("http.response.status_code", 0)));
        Assert.Equal(0, server.NextCalls);
        Assert.Equal(0, server.Listener.Wheel.Count);
    }

    [Fact]
    public async Task Timeout_HandlerStillJudging_NeverOpens()
    {
        await using WeirConnectionHarness server = new();
        TaskCompletionSource<UpgradeDecision> decision = new();
        server.Handler.OnUpgrade = _ => new(decision.Task);
        WeirConnectionClient client = server.Dial();
        await client.SendAsync(TestHead.Valid);

        server.Wait(TimeSpan.FromSeconds(11));
        Assert.NotNull(client.Transport.AbortReason);
        decision.SetResult(UpgradeDecision.Accept);

        await client.Finished.Within();
        Assert.Equal(["upgrade"], server.Handler.Calls);
        Assert.Equal(0, server.Metrics.Count("weir.connections.active"));
    }

    [Fact]
    public async Task Timeout_AfterTheHandshake_IsOff()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync();

        server.Wait(TimeSpan.FromSeconds(30));

        Assert.False(client.Finished.IsCompleted);
        Assert.Equal(0, server.Listener.Wheel.Count); // an idle connection holds no timer
    }

    [Fact]
    public async Task Reset_DuringTheHandshake_EndsQuietly()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = server.Dial();
        await client.SendAsync("GET /ws HTTP/1.1\r\n");

        client.Transport.Reset();

        await client.Finished.Within();
        Assert.Single(server.Log.Of("TransportEnded"));
        Assert.Empty(server.Handler.Calls);
        Assert.Equal(0, server.NextCalls);
    }

    private static async Task AssertRefusedAsync(string head, string expected)
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = server.Dial();
        await client.SendAsync(head);

        Assert.Equal(expected, await client.ReadToEndAsync());
        await client.Finished.Within();
        Assert.Empty(server.Handler.Calls);
        Assert.Equal(0, server.NextCalls);
        Assert.Single(server.Log.Of("HandshakeRefused"));
        Assert.Equal(1, server.Metrics.Sum("weir.handshakes.refused"));
        Assert.Equal(0, server.Listener.Wheel.Count);
    }
}
