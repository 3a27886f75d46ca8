using Weir.Connections;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Connections;

/// <summary>MessagesPerSecond counts all that costs a message's work, in any kind of frames.</summary>
public sealed class WeirConnectionInboundTests
{
    private const int Burst = 10;

    [Theory]
    [InlineData("empty continuations")]
    [InlineData("continuations of one byte")]
    [InlineData("compressed, empty continuations")]
    [InlineData("unsolicited Pongs")]
    [InlineData("Pings")]
    public async Task MessagesPerSecond_FramesThatCarryNothing_AreCounted(string kind)
    {
        await using WeirConnectionHarness server = NewServer();
        bool isCompressed = kind.StartsWith("compressed", StringComparison.Ordinal);
        WeirConnectionClient client = await server.ConnectAsync(head: isCompressed ? _deflateHead : null);
        byte[] piece = kind switch
        {
            "continuations of one byte" => Frames.Continuation("x"u8, fin: false),
            "unsolicited Pongs" => Frames.Pong(),
            "Pings" => Frames.Ping(),
            _ => Frames.Continuation(default, fin: false),
        };
        byte[][] first = isCompressed ? [Frames.Client(0x1, [], fin: false, rsv: 4)]
            : kind.Contains("continuations", StringComparison.Ordinal) ? [Frames.Text("x", fin: false)] : [];

        await client.SendAsync([.. first, .. Enumerable.Repeat(piece, Burst + MessageReader.FreeFrames + 1)]);

        ServerFrame close;
        do
        {
            close = await client.ReadFrameAsync();
        }
        while (close.Opcode == 0xA);

        Assert.Equal((1008, "too many messages per second"), (close.CloseCode, close.CloseReason));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task MessagesPerSecond_LargeMessageInManyFragments_CountsOnce(bool streams)
    {
        await using WeirConnectionHarness server = NewServer(options => options.StreamFragments = streams);
        WeirConnectionClient client = await server.ConnectAsync();
        byte[] part = new byte[MessageReader.FairFrameBytes];

        for (int message = 0; message < Burst; message++)
        {
            await client.SendAsync(
                [Frames.Binary(part, fin: false), .. Enumerable.Repeat(Frames.Continuation(part, fin: false), 400),
                    Frames.Continuation(part)]);
        }

        Assert.Empty(server.Handler.Closures);
        await client.SendAsync(Frames.Text("one too many"));
        Assert.Equal(1008, (await client.ReadFrameAsync()).CloseCode);
    }

    [Fact]
    public async Task MessagesPerSecond_SmallMessageInAFewFragments_CountsOnce()
    {
        await using WeirConnectionHarness server = NewServer();
        WeirConnectionClient client = await server.ConnectAsync();

        for (int message = 0; message < Burst; message++)
        {
            await client.SendAsync(Frames.Text("Hel", fin: false), Frames.Continuation("l"u8, fin: false), Frames.Continuation("o"u8));
        }

        Assert.Equal(Burst, server.Handler.Calls.Count(static call => call == "Hello"));
        Assert.Empty(server.Handler.Closures);
    }

    [Fact]
    public async Task MessagesPerSecond_PongThatAnswersAPing_IsFree()
    {
        await using WeirConnectionHarness server = NewServer(static options => options.Heartbeat.Interval = TimeSpan.FromSeconds(1));
        WeirConnectionClient client = await server.ConnectAsync();
        server.Wait(TimeSpan.FromSeconds(1.2));
        Assert.Equal(0x9, (await client.ReadFrameAsync()).Opcode);

        await client.SendAsync([Frames.Pong(), .. Enumerable.Repeat(Frames.Text("x"), Burst)]);

        Assert.Equal(Burst, server.Handler.Calls.Count(static call => call == "x"));
        await client.SendAsync(Frames.Pong()); // answers nothing
        Assert.Equal(1008, (await client.ReadFrameAsync()).CloseCode);
    }

    private static readonly string _deflateHead = Handshake.TestHead.Valid.Replace(
        "\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", StringComparison.Ordinal);

    private static WeirConnectionHarness NewServer(Action<WeirOptions>? configure = null) => new(options =>
    {
        options.Inbound.MessagesPerSecond = Burst;
        options.Inbound.Burst = TimeSpan.FromSeconds(1);
        options.Deflate.Enabled = true;
        configure?.Invoke(options);
    });
}
