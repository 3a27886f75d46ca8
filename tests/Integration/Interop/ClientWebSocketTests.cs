using System.Net.WebSockets;
using Weir.Integration.Servers;
using Xunit;

namespace Weir.Integration.Interop;

/// <summary>.NET's own client over ws and wss.</summary>
public sealed class ClientWebSocketTests(EmbeddedApplication application)
{
    private readonly TestServer _server = application.Server;

    public static TheoryData<int, bool> Sizes
    {
        get
        {
            TheoryData<int, bool> sizes = [];
            foreach (int size in (int[])[0, 1, 125, 126, 127, 4096, 65535, 65536, 1024 * 1024])
            {
                sizes.Add(size, false);
                sizes.Add(size, true);
            }

            return sizes;
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public async Task Binary_OfEachSize_IsEchoed(int size, bool tls)
    {
        using ClientWebSocket client = await ConnectAsync("/echo", tls);
        byte[] sent = RandomBytes(size);

        await client.SendAsync(sent);

        (WebSocketMessageType type, byte[] payload) = await client.ReceiveAsync();
        Assert.Equal(WebSocketMessageType.Binary, type);
        Assert.Equal(sent, payload);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Text_OfManyScripts_IsEchoed(bool tls)
    {
        using ClientWebSocket client = await ConnectAsync("/echo", tls);
        string sent = string.Concat(Enumerable.Repeat("Wehr, plotina, плотина, ダム, 🏞️ ", 3000));

        await client.SendAsync(sent);

        Assert.Equal(sent, await client.ReceiveTextAsync());
    }

    [Theory]
    [InlineData("/echo", false)]
    [InlineData("/echo", true)]
    [InlineData("/deflate", false)]
    [InlineData("/deflate/contexts", true)]
    public async Task Fragments_OfAllSizes_AreOneMessage(string path, bool tls)
    {
        using ClientWebSocket client = await ConnectAsync(path, tls, Deflate);
        byte[] sent = RandomBytes(200_000);

        int offset = 0;
        foreach (int size in (int[])[1, 0, 124, 4096, 66_000, 100_000])
        {
            await client.SendAsync(sent.AsMemory(offset, size), isLast: false);
            offset += size;
        }

        await client.SendAsync(sent.AsMemory(offset));

        (_, byte[] payload) = await client.ReceiveAsync();
        Assert.Equal(sent, payload);
    }

    [Theory]
    [InlineData("/deflate", false)]
    [InlineData("/deflate", true)]
    [InlineData("/deflate/contexts", false)]
    [InlineData("/deflate/contexts", true)]
    public async Task Deflate_WithMessagesOfAllKinds_IsTransparent(string path, bool tls)
    {
        using ClientWebSocket client = await ConnectAsync(path, tls, Deflate);
        byte[][] messages =
        [
            [], [7], RandomBytes(100), RandomBytes(300_000), new byte[1024 * 1024],
            .. Enumerable.Range(0, 100).Select(static index => new byte[index * 10]),
        ];

        foreach (byte[] message in messages)
        {
            await client.SendAsync(message);
            (_, byte[] payload) = await client.ReceiveAsync();
            Assert.Equal(message, payload);
        }

        Assert.Contains("permessage-deflate", Assert.Single(client.HttpResponseHeaders!["Sec-WebSocket-Extensions"]),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task DeflateOffer_ToAnEndpointWithout_IsLeftUnanswered()
    {
        using ClientWebSocket client = await ConnectAsync("/echo", tls: false, Deflate);

        await client.SendAsync("plain");

        Assert.Equal("plain", await client.ReceiveTextAsync());
        Assert.False(client.HttpResponseHeaders!.ContainsKey("Sec-WebSocket-Extensions"));
    }

    [Theory]
    [InlineData("v1.chat", "v1.chat")]
    [InlineData("v1.chat,v2.chat", "v2.chat")]
    [InlineData("V2.CHAT,v1.chat", "v1.chat")]
    public async Task Subprotocol_IsTheServersFirstAmongTheOffers(string offers, string selected)
    {
        using ClientWebSocket client = await ConnectAsync(
            "/chat", tls: true, options => Array.ForEach(offers.Split(','), options.AddSubProtocol));

        await client.SendAsync("!protocol");

        Assert.Equal(selected, client.SubProtocol);
        Assert.Equal(selected, await client.ReceiveTextAsync());
    }

    [Theory]
    [InlineData(1000, "", false)]
    [InlineData(1001, "leaving the page", false)]
    [InlineData(4999, "eigene Gründe", true)]
    public async Task CloseByTheClient_IsAnsweredWithItsCode(int code, string reason, bool tls)
    {
        using ClientWebSocket client = await ConnectAsync("/echo", tls);

        await client.CloseAsync((WebSocketCloseStatus)code, reason, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(10));

        Assert.Equal(WebSocketState.Closed, client.State);
        Assert.Equal(code, (int?)client.CloseStatus);
    }

    [Theory]
    [InlineData(1000, "done", false)]
    [InlineData(1013, "später", false)]
    [InlineData(3000, "", true)]
    public async Task CloseByTheServer_HasItsCodeAndReason(int code, string reason, bool tls)
    {
        using ClientWebSocket client = await ConnectAsync("/echo", tls);

        await client.SendAsync($"!close {code} {reason}");
        (WebSocketMessageType type, _) = await client.ReceiveAsync();
        await client.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(10));

        Assert.Equal(WebSocketMessageType.Close, type);
        Assert.Equal((code, reason), ((int?)client.CloseStatus, client.CloseStatusDescription));
    }

    [Fact]
    public async Task HandlerThatThrows_Closes1011WithoutSayingWhy()
    {
        using ClientWebSocket client = await ConnectAsync("/echo", tls: false);

        await client.SendAsync("!throw");
        (WebSocketMessageType type, _) = await client.ReceiveAsync();

        Assert.Equal(WebSocketMessageType.Close, type);
        Assert.Equal(WebSocketCloseStatus.InternalServerError, client.CloseStatus);
        Assert.DoesNotContain("secret", client.CloseStatusDescription, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Abort_EndsWithoutAClose()
    {
        using ClientWebSocket client = await ConnectAsync("/echo", tls: false);

        await client.SendAsync("!abort");

        WebSocketException error = await Assert.ThrowsAsync<WebSocketException>(client.ReceiveAsync);
        Assert.Equal(WebSocketError.ConnectionClosedPrematurely, error.WebSocketErrorCode);
    }

    private static void Deflate(ClientWebSocketOptions options) => options.DangerousDeflateOptions = new WebSocketDeflateOptions();

    private static byte[] RandomBytes(int size)
    {
        byte[] bytes = new byte[size];
        new Random(size).NextBytes(bytes);
        return bytes;
    }

    private Task<ClientWebSocket> ConnectAsync(string path, bool tls, Action<ClientWebSocketOptions>? configure = null) =>
        WebSockets.ConnectAsync(_server.Address(path, tls), options =>
        {
            options.CollectHttpResponseDetails = true;
            configure?.Invoke(options);
        });
}
