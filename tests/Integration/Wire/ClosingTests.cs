using Weir.Integration.Servers;
using Weir.Testing;
using Xunit;

namespace Weir.Integration.Wire;

/// <summary>How connections end, to the last packet.</summary>
public sealed class ClosingTests(EmbeddedApplication application)
{
    private readonly TestServer _server = application.Server;

    [Theory]
    [InlineData(1000, 1000, false)]
    [InlineData(3999, 3999, true)]
    [InlineData(null, 1005, false)]
    public async Task Close_IsEchoedAndTheServerEndsTheConnection(int? code, int echoed, bool tls)
    {
        using RawClient client = await _server.OpenAsync("/echo", tls);

        await client.SendCloseAsync(code, code is null ? "" : "reason");

        Assert.Equal(echoed, (await client.ReadFrameAsync()).CloseCode);
        Assert.Equal(TcpEnd.Fin, await client.ReadEndAsync());
    }

    [Fact]
    public async Task Close_BehindManyMessages_ComesAfterTheirEchoes()
    {
        using RawClient client = await _server.OpenAsync("/echo");
        byte[] messages = [.. Enumerable.Range(0, 1000).SelectMany(static i => Frames.Text($"message {i}"))];

        await client.SendRawAsync((byte[])[.. messages, .. Frames.Close(1000)]);

        IReadOnlyList<ServerFrame> frames = await client.ReadUntilCloseAsync();
        Assert.Equal(Enumerable.Range(0, 1000).Select(static i => $"message {i}"), frames.SkipLast(1).Select(static frame => frame.Text));
        Assert.Equal(TcpEnd.Fin, await client.ReadEndAsync());
    }

    [Theory]
    [InlineData(0x1)]
    [InlineData(0x2)]
    public async Task MessageTooBig_IsRefusedFromItsHeader(int opcode)
    {
        using RawClient client = await _server.OpenAsync("/echo");

        await client.SendRawAsync(Frames.ClientHeader(opcode, 1024 * 1024 + 1)); // and not one byte of it

        Assert.Equal(1009, (await client.ReadFrameAsync()).CloseCode);
        await client.SendCloseAsync(1009);
        Assert.Equal(TcpEnd.Fin, await client.ReadEndAsync());
    }

    [Fact]
    public async Task FragmentsTooBigTogether_AreRefusedFromTheLastOnesHeader()
    {
        using RawClient client = await _server.OpenAsync("/echo");

        await client.SendRawAsync(Frames.Binary(new byte[1024 * 1024], fin: false));
        await client.SendRawAsync(Frames.ClientHeader(0x0, 1));

        Assert.Equal(1009, (await client.ReadFrameAsync()).CloseCode);
    }

    [Fact]
    public async Task UnmaskedFrame_IsClosedWith1002()
    {
        using RawClient client = await _server.OpenAsync("/echo");

        await client.SendRawAsync(Frames.Client(0x1, "bare"u8, masked: false));

        Assert.Equal(1002, (await client.ReadFrameAsync()).CloseCode);
        await client.SendCloseAsync(1002);
        Assert.Equal(TcpEnd.Fin, await client.ReadEndAsync());
    }

    [Fact]
    public async Task EndOfTheClientsDirection_WithoutAClose_EndsTheConnectionAfterWhatWasAccepted()
    {
        using RawClient client = await _server.OpenAsync("/echo");
        byte[] large = new byte[500_000];

        await client.SendRawAsync(Frames.Binary(large));
        client.ShutdownSend();

        Assert.Equal(large, (await client.ReadFrameAsync()).Payload);
        Assert.Equal(TcpEnd.Fin, await client.ReadEndAsync());
    }

    [Fact]
    public async Task ResetOfAMember_LeavesTheRoomToTheOthers()
    {
        using RawClient staying = await _server.OpenAsync("/relay?room=reset");
        using RawClient leaving = await _server.OpenAsync("/relay?room=reset");
        await leaving.SendTextAsync("here");
        Assert.Equal("here", (await staying.ReadFrameAsync()).Text);

        leaving.Reset();
        using RawClient coming = await _server.OpenAsync("/relay?room=reset");
        await coming.SendTextAsync("instead");

        Assert.Equal("instead", (await staying.ReadFrameAsync()).Text);
    }
}
