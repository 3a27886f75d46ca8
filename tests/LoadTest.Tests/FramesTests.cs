using System.Text;
using Weir.LoadTest.Client;
using Weir.LoadTest.Protocols;
using Xunit;

namespace Weir.LoadTest.Tests;

/// <summary>What the client puts on the wire, read back as a server would.</summary>
public sealed class FramesTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(200)]
    public void StampedFrame_StampAnywhere_IsMaskedWhereItStands(int before)
    {
        StampedFrame frame = new(Encoding.ASCII.GetBytes(new string('b', before)), "after"u8);
        Stamp stamp = new(Due: 0x0123_4567_89AB_CDEF, Room: int.MaxValue, Number: 42);
        _ = frame.With(new Stamp(1, 2, 3));

        byte[] payload = Unmask(frame.With(stamp));

        Assert.Equal(new string('b', before), Encoding.ASCII.GetString(payload[..before]));
        Assert.True(Stamp.TryRead(payload.AsSpan(before), out Stamp read));
        Assert.Equal(stamp, read);
        Assert.Equal("after", Encoding.ASCII.GetString(payload[(before + Stamp.Bytes)..]));
    }

    [Fact]
    public void Stamp_OfSomethingElse_IsNotRead()
    {
        Assert.False(Stamp.TryRead("too short"u8, out _));
        Assert.False(Stamp.TryRead("this is long enough but no number"u8, out _));
    }

    [Fact]
    public void Centrifugo_Publish_IsOneCommandWithTheStampAsData()
    {
        StampedFrame frame = new CentrifugoProtocol().Publish("a \"room\"", payloadBytes: 40);

        string command = Encoding.UTF8.GetString(Unmask(frame.With(new Stamp(255, 1, 2))));

        using System.Text.Json.JsonDocument json = System.Text.Json.JsonDocument.Parse(command);
        System.Text.Json.JsonElement publish = json.RootElement.GetProperty("publish");
        Assert.Equal("a \"room\"", publish.GetProperty("channel").GetString());
        Assert.Equal("00000000000000ff" + "00000001" + "00000002" + "xxxxxxxx", publish.GetProperty("data").GetString());
    }

    [Fact]
    public void Centrifugo_Open_ConnectsAndSubscribesInOneFrame()
    {
        Target target = new(new Uri("ws://127.0.0.1:1/connection/websocket"));

        Opening opening = new CentrifugoProtocol().Open(target, ["news", "sport"], token: "t", receiveBufferBytes: null);

        string[] commands = Encoding.UTF8.GetString(Unmask(opening.Greeting)).Split('\n');
        Assert.Equal(3, opening.Answers);
        Assert.Equal(["connect", "subscribe", "subscribe"],
            commands.Select(static each => System.Text.Json.JsonDocument.Parse(each).RootElement.EnumerateObject().Last().Name));
        Assert.Contains("\"token\":\"t\"", commands[0], StringComparison.Ordinal);
        Assert.Contains("\"channel\":\"sport\"", commands[2], StringComparison.Ordinal);
    }

    // As section 5.3 of RFC 6455 has it, for frames below 64 KiB.
    private static byte[] Unmask(ReadOnlySpan<byte> frame)
    {
        Assert.Equal(0x81, frame[0]);
        int length = frame[1] & 0x7F;
        int start = 2;
        if (length == 126)
        {
            length = (frame[2] << 8) | frame[3];
            start = 4;
        }

        byte[] payload = frame.Slice(start + 4, length).ToArray();
        for (int i = 0; i < payload.Length; i++)
        {
            payload[i] ^= frame[start + (i % 4)];
        }

        return payload;
    }
}
