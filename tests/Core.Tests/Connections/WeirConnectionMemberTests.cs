using System.Buffers;
using System.Net;
using System.Text;
using Weir.Connections;
using Weir.Core.Tests.Handshake;
using Weir.Protocol;
using Weir.Sending;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Core.Tests.Connections;

public sealed class WeirConnectionMemberTests
{
    [Fact]
    public async Task Request_Kept_CanBeReadAtAnyTime()
    {
        await using WeirConnectionHarness server = new();
        server.Handler.OnClosed = (connection, _) =>
        {
            connection.State = connection.Request.GetHeader("Host");
            return default;
        };
        WeirConnectionClient client = await server.ConnectAsync(head: TestHead.With(target: "/ws?a=1"));
        WeirConnection connection = server.Handler.Connection;
        Assert.Equal("1", connection.Request.GetQueryValue("a"));

        await client.SendAsync(Frames.Close());
        await client.Finished.Within();
        Assert.Equal("server.example.com", connection.State);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Request_NotKept_IsThereUntilOpened(bool throws)
    {
        await using WeirConnectionHarness server = new(options => options.KeepRequest = false);
        string? host = null;
        server.Handler.OnOpened = async connection =>
        {
            await Task.Yield();
            host = connection.Request.GetHeader("Host");
            if (throws)
            {
                throw new InvalidOperationException();
            }
        };
        WeirConnectionClient client = await server.ConnectAsync();
        await client.SendAsync(Frames.Close());
        await client.Finished.Within();

        Assert.Equal("server.example.com", host);
        Assert.Equal(throws ? 1011 : 1000, (await client.ReadFrameAsync()).CloseCode);
        Assert.Throws<InvalidOperationException>(() => server.Handler.Connection.Request);
    }

    [Fact]
    public async Task Members_OfATransport_AreTheTransports()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync();
        WeirConnection connection = server.Handler.Connection;

        Assert.Equal(client.Transport.ConnectionId, connection.Id);
        Assert.Equal("/ws", connection.Path);
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, 50_000), connection.RemoteEndPoint);
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, 80), connection.LocalEndPoint);
    }

    [Fact]
    public async Task StateAndItems_BelongToOneConnection()
    {
        await using WeirConnectionHarness server = new();
        await server.ConnectAsync();
        WeirConnection first = server.Handler.Connection;
        await server.ConnectAsync();
        WeirConnection second = server.Handler.Connection;
        Assert.Null(first.State);

        first.State = "state";
        IDictionary<object, object?>[] items = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => first.Items))).Within();
        first.Items["key"] = 1;

        Assert.All(items, each => Assert.Same(first.Items, each));
        Assert.Equal("state", first.State);
        Assert.Null(second.State);
        Assert.Empty(second.Items);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(999)]
    [InlineData(1004)]
    [InlineData(1005)]
    [InlineData(1006)]
    [InlineData(1015)]
    [InlineData(1016)]
    [InlineData(2999)]
    [InlineData(5000)]
    [InlineData(65535)]
    public async Task Close_CodeThatMayNotBeSent_IsRefused(int code)
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync();

        ArgumentOutOfRangeException error = Assert.Throws<ArgumentOutOfRangeException>(
            () => server.Handler.Connection.Close((CloseCode)code));

        Assert.Equal("code", error.ParamName);
        Assert.Equal(SendResult.Sent, server.Handler.Connection.Send("still open"));
        Assert.Equal("still open", (await client.ReadFrameAsync()).Text);
        Assert.Throws<ArgumentNullException>(() => server.Handler.Connection.Close(reason: null!));
    }

    [Fact]
    public async Task Close_LongReason_IsTruncatedAtACharacter()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync();

        server.Handler.Connection.Close((CloseCode)4999, new string('é', 100));

        ServerFrame close = await client.ReadFrameAsync();
        Assert.Equal((4999, new string('é', 61)), (close.CloseCode, close.CloseReason));
    }

    [Theory]
    [InlineData(0xD83D)]
    [InlineData(0xDC00)]
    public async Task Send_LoneSurrogate_ThrowsAndSendsNothing(int surrogate)
    {
        string text = $"before {(char)surrogate} after";
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync();

        Assert.Throws<EncoderFallbackException>(() => server.Handler.Connection.Send(text));
        Assert.Throws<ArgumentNullException>(() => server.Handler.Connection.Send(null!));

        Assert.Equal(0, server.Arrays.Outstanding);
        server.Handler.Connection.Send("\ud83d\ude00");
        Assert.Equal("😀", (await client.ReadFrameAsync()).Text);
    }

    [Fact]
    public async Task Send_EveryOverload_SendsTheSame()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync();
        WeirConnection connection = server.Handler.Connection;
        byte[] bytes = Encoding.UTF8.GetBytes("grüße");

        connection.Send("grüße");
        connection.Send(bytes, MessageKind.Text);
        connection.Send(new ReadOnlySequence<byte>(bytes), MessageKind.Text);
        connection.Send(Segments.ByteByByte(bytes), MessageKind.Binary);
        connection.Send("");

        foreach (int opcode in (int[])[1, 1, 1, 2])
        {
            ServerFrame frame = await client.ReadFrameAsync();
            Assert.Equal((opcode, "grüße"), (frame.Opcode, frame.Text));
        }

        Assert.Equal((1, ""), ((await client.ReadFrameAsync()) is { } empty ? (empty.Opcode, empty.Text) : default));
    }

    [Fact]
    public async Task PendingBytes_TransportBusy_CountsWhatItHasNotTaken()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = await server.ConnectAsync(gated: true);
        WeirConnection connection = server.Handler.Connection;
        Assert.Equal(0, connection.PendingBytes);
        client.Gate.Hold();

        Assert.Equal(SendResult.Sent, connection.Send("1234"));
        Assert.Equal(SendResult.Queued, connection.Send("1234"));

        Assert.Equal(6 + 6, connection.PendingBytes);
        client.Gate.Release();
        await Bounded.Eventually(() => connection.PendingBytes == 0);
    }
}
