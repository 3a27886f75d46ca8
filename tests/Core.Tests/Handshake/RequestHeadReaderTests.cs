using System.Buffers;
using System.Text;
using Weir.Handshake;
using Xunit;

namespace Weir.Core.Tests.Handshake;

public class RequestHeadReaderTests
{
    private const int MaxHeadBytes = 4096;

    [Fact]
    public void Read_WholeHead_IsCompleteWithItsLength()
    {
        Assert.Equal(HeadStatus.Complete, TestHead.Read(TestHead.Valid, out int length));
        Assert.Equal(TestHead.Valid.Length, length);
    }

    [Fact]
    public void Read_FramesBehindTheHead_AreNotCounted()
    {
        Assert.Equal(HeadStatus.Complete, TestHead.Read(TestHead.Valid + "\x81\x80\r\n\r\n", out int length));
        Assert.Equal(TestHead.Valid.Length, length);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void Read_SmallSegments_IsCompleteWithItsLength(int segmentSize)
    {
        long scanned = 0;
        ReadOnlySequence<byte> buffer = TestHead.Segmented(Encoding.ASCII.GetBytes(TestHead.Valid + "tail"), segmentSize);

        HeadStatus status = RequestHeadReader.Read(buffer, TestHead.Endpoints, MaxHeadBytes, ref scanned, out int length);

        Assert.Equal(HeadStatus.Complete, status);
        Assert.Equal(TestHead.Valid.Length, length);
    }

    [Fact]
    public void Read_SplitAtEveryByte_NeedsBothParts()
    {
        byte[] head = Encoding.ASCII.GetBytes(TestHead.Valid);
        for (int split = 0; split < head.Length; split++)
        {
            long scanned = 0;
            ReadOnlySequence<byte> first = new(head, 0, split);
            Assert.Equal(
                HeadStatus.Incomplete,
                RequestHeadReader.Read(first, TestHead.Endpoints, MaxHeadBytes, ref scanned, out int length));
            Assert.Equal(0, length);
            ReadOnlySequence<byte> both = split == 0 ? new(head) : TestHead.Segmented(head, split);
            Assert.Equal(
                HeadStatus.Complete,
                RequestHeadReader.Read(both, TestHead.Endpoints, MaxHeadBytes, ref scanned, out length));
            Assert.Equal(head.Length, length);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(int.MaxValue)]
    public void Read_ByteByByte_IsCompleteAtTheLastByteOnly(int segmentSize)
    {
        byte[] head = Encoding.ASCII.GetBytes(TestHead.Valid);
        long scanned = 0;
        for (int length = 1; length <= head.Length; length++)
        {
            ReadOnlySequence<byte> arrived = TestHead.Segmented(head.AsMemory(0, length), segmentSize);
            HeadStatus status =
                RequestHeadReader.Read(arrived, TestHead.Endpoints, MaxHeadBytes, ref scanned, out int headLength);
            Assert.Equal(length < head.Length ? HeadStatus.Incomplete : HeadStatus.Complete, status);
            Assert.Equal(length < head.Length ? 0 : head.Length, headLength);
        }
    }

    [Fact]
    public void Read_CalledAgain_SearchesOnlyWhatIsNew()
    {
        byte[] head = Encoding.ASCII.GetBytes(TestHead.Valid);
        int lastLine = TestHead.Valid.LastIndexOf("Sec-WebSocket-Version", StringComparison.Ordinal);
        long scanned = 0;
        Assert.Equal(HeadStatus.Incomplete, ReadFirst(lastLine, ref scanned));
        Assert.Equal(lastLine, scanned);

        // Searched a second time, this would end the header block early: a blank line where there was none.
        "\r\n\r\n"u8.CopyTo(head.AsSpan(lastLine - 8));

        Assert.Equal(HeadStatus.Incomplete, ReadFirst(head.Length - 1, ref scanned));
        Assert.Equal(head.Length - 1, scanned);

        HeadStatus ReadFirst(int length, ref long scanned) => RequestHeadReader.Read(
            new ReadOnlySequence<byte>(head, 0, length), TestHead.Endpoints, MaxHeadBytes, ref scanned, out _);
    }

    [Fact]
    public void Read_RequestLineDripsIn_SearchesOnlyWhatIsNew()
    {
        byte[] line = Encoding.ASCII.GetBytes("GET /ws?query HTTP/1.1\r\n");
        long scanned = 0;
        ReadOnlySequence<byte> start = new(line, 0, 10);
        Assert.Equal(HeadStatus.Incomplete, RequestHeadReader.Read(start, TestHead.Endpoints, 4096, ref scanned, out _));
        Assert.Equal(-10, scanned);

        line[8] = (byte)'\n';
        ReadOnlySequence<byte> more = new(line, 0, 15);
        Assert.Equal(HeadStatus.Incomplete, RequestHeadReader.Read(more, TestHead.Endpoints, 4096, ref scanned, out _));
        Assert.Equal(-15, scanned);
    }

    [Theory]
    [InlineData("\x16\x03\x01")] // a TLS ClientHello
    [InlineData("\x81")] // a frame
    [InlineData("P")] // POST, PUT, and PRI of HTTP/2
    [InlineData("g")] // methods are case-sensitive
    [InlineData("GETX")]
    [InlineData("\r\n")]
    [InlineData("\0")]
    public void Read_NoGet_IsNotOursAtOnce(string start) => Assert.Equal(HeadStatus.NotOurs, TestHead.Read(start));

    [Theory]
    [InlineData("GET /other HTTP/1.1\r\n")]
    [InlineData("GET /WS HTTP/1.1\r\n")]
    [InlineData("GET /ws/ HTTP/1.1\r\n")]
    [InlineData("GET /w HTTP/1.1\r\n")]
    [InlineData("GET /ws%2F HTTP/1.1\r\n")]
    [InlineData("GET /x/../ws HTTP/1.1\r\n")]
    [InlineData("GET * HTTP/1.1\r\n")]
    [InlineData("GET ws HTTP/1.1\r\n")]
    [InlineData("GET ftp://host/ws HTTP/1.1\r\n")]
    [InlineData("GET http:///other HTTP/1.1\r\n")]
    [InlineData("GET /ws\r\n")] // HTTP/0.9
    [InlineData("GET  /ws HTTP/1.1\r\n")]
    [InlineData("GET /ws  HTTP/1.1\r\n")]
    [InlineData("GET /ws\tHTTP/1.1\r\n")]
    [InlineData("GET /w\u00e9 HTTP/1.1\r\n")]
    [InlineData("GET /ws HTTP/1.\r\n")]
    [InlineData("GET /ws HTTP/11\r\n")]
    [InlineData("GET /ws HTPP/1.1\r\n")]
    [InlineData("GET /ws http/1.1\r\n")]
    [InlineData("GET /ws HTTP/1.1 x\r\n")]
    [InlineData("GET /ws HTTP/1.1 \r\n")]
    [InlineData("GET /ws HTTP/1.x\r\n")]
    [InlineData("GET /ws HTTP/2.0\r\n")]
    [InlineData("GET /ws HTTP/1.1\n")]
    [InlineData("GET \r\n")]
    [InlineData("GET \n")]
    public void Read_RequestLineNotOurs_IsNotOursAtItsEnd(string line)
    {
        Assert.Equal(HeadStatus.Incomplete, TestHead.Read(line[..^1]));
        Assert.Equal(HeadStatus.NotOurs, TestHead.Read(line));
    }

    [Theory]
    [InlineData("/ws")]
    [InlineData("/ws?token=a&b=%20")]
    [InlineData("/ws?")]
    [InlineData("/%77%73")]
    [InlineData("/chat/room%201")]
    [InlineData("http://server.example.com/ws")]
    [InlineData("ws://server.example.com/ws")]
    [InlineData("wss://server.example.com/ws")]
    [InlineData("HTTPS://server.example.com:8443/ws?x=/other")]
    public void Read_TargetOfOurPath_IsComplete(string target) =>
        Assert.Equal(HeadStatus.Complete, TestHead.Read(TestHead.With(target: target)));

    [Theory]
    [InlineData("Upgrade: h2c")]
    [InlineData("Upgrade: websocke")]
    [InlineData("Upgrade: websockets")]
    [InlineData("Upgrade: web socket")]
    [InlineData("Upgrade:")]
    [InlineData("Upgrade : websocket")]
    [InlineData("X-Upgrade: websocket")]
    public void Read_NoUpgradeToWebSocket_IsNotOurs(string line)
    {
        string head = TestHead.With(line, without: "Upgrade");
        Assert.Equal(HeadStatus.Incomplete, TestHead.Read(head[..^1]));
        Assert.Equal(HeadStatus.NotOurs, TestHead.Read(head));
    }

    [Theory]
    [InlineData("Upgrade: WebSocket")]
    [InlineData("UPGRADE:\t h2c ,,\tWEBSOCKET ")]
    [InlineData("Upgrade: h2c\r\nUpgrade: websocket")]
    [InlineData("malformed\r\nUpgrade: websocket")]
    public void Read_UpgradeToWebSocket_IsComplete(string lines) =>
        Assert.Equal(HeadStatus.Complete, TestHead.Read(TestHead.With(lines, without: "Upgrade")));

    [Fact]
    public void Read_BareLineFeedInAHeader_IsNotOursWhereItStands()
    {
        string head = TestHead.Valid.Replace("websocket\r\n", "websocket\n", StringComparison.Ordinal);
        int end = head.IndexOf("websocket\n", StringComparison.Ordinal) + "websocket\n".Length;
        Assert.Equal(HeadStatus.Incomplete, TestHead.Read(head[..(end - 1)]));
        Assert.Equal(HeadStatus.NotOurs, TestHead.Read(head[..end]));
    }

    [Fact]
    public void Read_NoHeaderLines_IsNotOurs() =>
        Assert.Equal(HeadStatus.NotOurs, TestHead.Read("GET /ws HTTP/1.1\r\n\r\n"));

    [Fact]
    public void Read_HeadOfExactlyTheLimit_IsComplete()
    {
        long scanned = 0;
        byte[] head = Encoding.ASCII.GetBytes(TestHead.Valid);
        HeadStatus status = RequestHeadReader.Read(
            new ReadOnlySequence<byte>(head), TestHead.Endpoints, head.Length, ref scanned, out int length);
        Assert.Equal(HeadStatus.Complete, status);
        Assert.Equal(head.Length, length);
    }

    [Theory]
    [InlineData(1)] // the blank line is within what has arrived, but past the limit
    [InlineData(20)]
    public void Read_HeadOverTheLimit_IsTooLarge(int excess)
    {
        long scanned = 0;
        byte[] head = Encoding.ASCII.GetBytes(TestHead.Valid);
        HeadStatus status = RequestHeadReader.Read(
            new ReadOnlySequence<byte>(head), TestHead.Endpoints, head.Length - excess, ref scanned, out int length);
        Assert.Equal(HeadStatus.TooLarge, status);
        Assert.Equal(0, length);
    }

    [Fact]
    public void Read_UnterminatedHeadReachesTheLimit_IsTooLarge()
    {
        string head = TestHead.With("X: " + new string('x', MaxHeadBytes));
        Assert.Equal(HeadStatus.Incomplete, TestHead.Read(head[..(MaxHeadBytes - 1)]));
        Assert.Equal(HeadStatus.TooLarge, TestHead.Read(head[..MaxHeadBytes]));
    }

    [Fact]
    public void Read_NoRequestLineWithinTheLimit_IsNotOurs()
    {
        string start = "GET /" + new string('x', MaxHeadBytes);
        Assert.Equal(HeadStatus.Incomplete, TestHead.Read(start[..(MaxHeadBytes - 1)]));
        Assert.Equal(HeadStatus.NotOurs, TestHead.Read(start[..MaxHeadBytes]));
    }
}
