using System.Text;
using Weir.Brokers.Redis.Links;
using Xunit;

namespace Weir.Brokers.Redis.Tests.Links;

public sealed class RespFramesTests
{
    [Theory]
    [InlineData("+PONG\r\n")]
    [InlineData("-ERR no\r\n")]
    [InlineData(":12\r\n")]
    [InlineData("_\r\n")]
    [InlineData("#t\r\n")]
    [InlineData(",1.5\r\n")]
    [InlineData("$0\r\n\r\n")]
    [InlineData("$-1\r\n")]
    [InlineData("*-1\r\n")]
    [InlineData("$4\r\na\r\nb\r\n")]
    [InlineData("!4\r\nERRx\r\n")]
    [InlineData("=7\r\ntxt:abc\r\n")]
    [InlineData("*0\r\n")]
    [InlineData("*2\r\n*1\r\n:1\r\n$1\r\nx\r\n")]
    [InlineData("%1\r\n+key\r\n*2\r\n:1\r\n:2\r\n")]
    [InlineData("~2\r\n:1\r\n:2\r\n")]
    [InlineData("|1\r\n+a\r\n:1\r\n$2\r\nxy\r\n")]
    [InlineData(">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$3\r\n\0\r\n\r\n")]
    public void TryMeasure_AFrameByteByByte_IsDoneAtItsLastByte(string text)
    {
        byte[] frame = Encoding.UTF8.GetBytes(text);
        byte[] data = [.. frame, .. "+NEXT\r\n"u8];

        for (int length = 0; length < frame.Length; length++)
        {
            Assert.False(RespFrames.TryMeasure(data.AsSpan(0, length), out _));
        }

        for (int length = frame.Length; length <= data.Length; length++)
        {
            Assert.True(RespFrames.TryMeasure(data.AsSpan(0, length), out int measured));
            Assert.Equal(frame.Length, measured);
        }
    }

    [Theory]
    [InlineData("\r\n")]
    [InlineData("x\r\n")]
    [InlineData("HTTP/1.1 400 Bad Request\r\n")]
    [InlineData("$-2\r\n")]
    [InlineData("$\r\n")]
    [InlineData("$1x\r\n")]
    [InlineData("$536870913\r\n")]
    [InlineData("*99999999999999999999\r\n")]
    [InlineData(">1\r\n?\r\n")]
    public void TryMeasure_WhatIsNoResp_Throws(string text)
        => Assert.Throws<InvalidDataException>(() => RespFrames.TryMeasure(Encoding.UTF8.GetBytes(text), out _));

    [Fact]
    public void ReadElement_OfAPush_ReadsOneAfterTheOther()
    {
        byte[] frame = Encoding.UTF8.GetBytes(">4\r\n$9\r\nsubscribe\r\n+c\r\n:1\r\n$0\r\n\r\n");
        int position = 0;

        Assert.Equal(4, RespFrames.ReadCount(frame, ref position));
        Assert.Equal("subscribe"u8, RespFrames.ReadElement(frame, ref position));
        Assert.Equal("c"u8, RespFrames.ReadElement(frame, ref position));
        Assert.Equal("1"u8, RespFrames.ReadElement(frame, ref position));
        Assert.Equal(""u8, RespFrames.ReadElement(frame, ref position));
        Assert.Equal(frame.Length, position);
    }
}
