using System.Text;
using Weir.Core.Tests.Handshake;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Connections;

public sealed class WeirMiddlewarePassOnTests
{
    public static TheoryData<string> OtherRequests { get; } =
    [
        TestHead.With(target: "/other"),
        TestHead.With(target: "/WS"),
        TestHead.With(without: "Upgrade"), // a plain GET of our path
        TestHead.Replacing("Upgrade", "h2c"),
        TestHead.With(method: "POST"),
        "GET /other HTTP/1.1\r\nHost: a\r\n\r\nGET /ws HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /other HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00",
        "\r\n",
        "G",
        "GET /ws HTTP/1.1\r\nHost: a\r\nUpgr", // and then the end of the stream
        "",
    ];

    [Theory]
    [MemberData(nameof(OtherRequests))]
    public async Task Request_NotOurs_IsPassedOnUnchanged(string request)
    {
        foreach (int blockSize in (int[])[16, 4096])
        {
            await using WeirConnectionHarness server = new(blockSize: blockSize);
            byte[] bytes = Encoding.Latin1.GetBytes(request);
            WeirConnectionClient whole = server.Dial();
            await whole.SendAsync(bytes);
            whole.EndOutput();
            await whole.Finished.Within();
            WeirConnectionClient dripping = server.Dial();
            await dripping.SendByteByByteAsync(bytes);
            dripping.EndOutput();
            await dripping.Finished.Within();

            Assert.Equal([bytes, bytes], server.PassedOn);
            Assert.Equal("", await whole.ReadToEndAsync());
            Assert.Empty(server.Handler.Calls);
            Assert.Equal(0, server.Listener.Wheel.Count);
        }
    }

    [Theory]
    [InlineData("GET /other HTTP/1.1\r\n")]
    [InlineData("GEX")]
    [InlineData("X")]
    public async Task Request_CannotBecomeOurs_IsPassedOnAtOnce(string start)
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = server.Dial();
        await client.SendAsync(start[..^1]);
        Assert.Equal(0, server.NextCalls);

        await client.SendAsync(start[^1..]);

        Assert.Equal(1, server.NextCalls);
        Assert.Equal(start.Length, server.NextBytes); // without waiting for more
        await client.SendAsync("the rest");
        client.EndOutput();
        await client.Finished.Within();
        Assert.Equal(start + "the rest", Encoding.Latin1.GetString(Assert.Single(server.PassedOn)));
    }

    [Fact]
    public async Task Timeout_AfterTheConnectionWentOn_IsOff()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = server.Dial();
        Assert.Equal(1, server.Listener.Wheel.Count);
        await client.SendAsync(TestHead.With(target: "/other"));

        server.Wait(TimeSpan.FromSeconds(30));

        Assert.Null(client.Transport.AbortReason);
        Assert.False(client.Finished.IsCompleted);
        Assert.Equal(0, server.Listener.Wheel.Count);
    }

    [Fact]
    public async Task Next_Throws_TheServerReceivesTheException()
    {
        await using WeirConnectionHarness server = new();
        await using InMemoryConnection transport = new();
        InvalidOperationException error = new();
        await transport.ClientEnd.Output.WriteAsync(Encoding.Latin1.GetBytes(TestHead.With(target: "/other")));

        Task run = new Weir.Hosting.WeirMiddleware(_ => throw error, server.Listener).OnConnectionAsync(transport);

        Assert.Same(error, await Assert.ThrowsAsync<InvalidOperationException>(() => run.Within()));
    }
}
