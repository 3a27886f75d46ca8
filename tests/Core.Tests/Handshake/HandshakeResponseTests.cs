using System.Buffers;
using System.Text;
using Weir.Handshake;
using Xunit;

namespace Weir.Core.Tests.Handshake;

public class HandshakeResponseTests
{
    [Fact] // RFC 6455 1.3
    public void ComputeAccept_SampleKey_IsTheSampleAccept() =>
        Assert.Equal("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", HandshakeResponse.ComputeAccept("dGhlIHNhbXBsZSBub25jZQ=="));

    [Fact]
    public void ComputeAccept_WrongLength_Throws() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => HandshakeResponse.ComputeAccept("short"));

    [Fact]
    public void WriteAccepted_Plain_HasTheRequiredLinesOnly() =>
        Assert.Equal(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
            Accepted(null, null));

    [Fact]
    public void WriteAccepted_SubprotocolAndExtensions_AppendsTheirLines() =>
        Assert.Equal(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n"
            + "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n\r\n",
            Accepted("chat", "permessage-deflate; server_no_context_takeover"));

    [Fact]
    public void WriteAccepted_NotAscii_Throws() => Assert.Throws<ArgumentException>(() => Accepted("ch\u00e4t", null));

    [Fact]
    public void WriteRefused_BadKey_IsAWholeResponse() =>
        Assert.Equal(
            "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 78\r\n"
            + "Connection: close\r\n\r\n"
            + "Exactly one Sec-WebSocket-Key is needed: 16 bytes in base64 (RFC 6455 4.2.1).\n",
            Refused(HandshakeRefusal.BadKey));

    [Fact] // RFC 9110 15.5.22 requires Upgrade in a 426, RFC 6455 4.2.2 the version
    public void WriteRefused_OtherVersion_NamesTheUpgradeAndTheVersion() =>
        Assert.Equal(
            "HTTP/1.1 426 Upgrade Required\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 49\r\n"
            + "Connection: close, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"
            + "Sec-WebSocket-Version must be 13 (RFC 6455 4.4).\n",
            Refused(HandshakeRefusal.OtherVersion));

    [Theory]
    [InlineData(400, "Bad Request")]
    [InlineData(403, "Forbidden")]
    [InlineData(405, "Method Not Allowed")]
    [InlineData(408, "Request Timeout")]
    [InlineData(429, "Too Many Requests")]
    [InlineData(431, "Request Header Fields Too Large")]
    [InlineData(503, "Service Unavailable")]
    [InlineData(505, "HTTP Version Not Supported")]
    public void WriteRefused_EveryStatus_HasItsPhraseLengthAndExtraHeader(int status, string phrase) =>
        Assert.Equal(
            $"HTTP/1.1 {status} {phrase}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 7\r\n"
            + "Connection: close\r\nRetry-After: 5\r\n\r\nReason\n",
            Refused(new HandshakeRefusal(status, "Reason", "Retry-After: 5")));

    private static string Accepted(string? subprotocol, string? extensions)
    {
        ArrayBufferWriter<byte> output = new();
        HandshakeResponse.WriteAccepted(output, Encoding.ASCII.GetBytes(TestHead.Key), subprotocol, extensions);
        return Encoding.ASCII.GetString(output.WrittenSpan);
    }

    private static string Refused(HandshakeRefusal refusal)
    {
        ArrayBufferWriter<byte> output = new();
        HandshakeResponse.WriteRefused(output, refusal);
        return Encoding.ASCII.GetString(output.WrittenSpan);
    }
}
