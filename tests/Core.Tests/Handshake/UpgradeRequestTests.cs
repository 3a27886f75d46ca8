using System.Text;
using Weir.Handshake;
using Xunit;

namespace Weir.Core.Tests.Handshake;

public class UpgradeRequestTests
{
    [Theory]
    [InlineData("/ws", "/ws", "")]
    [InlineData("/", "/", "")]
    [InlineData("/ws?", "/ws", "?")]
    [InlineData("/ws?a=b?c", "/ws", "?a=b?c")]
    [InlineData("/a%20b%2fc%2Fd", "/a b%2fc%2Fd", "")]
    [InlineData("/a+b", "/a+b", "")]
    [InlineData("/caf%C3%A9?%41", "/caf\u00e9", "?%41")]
    [InlineData("/%ff", "/\ufffd", "")]
    [InlineData("/%", "/%", "")]
    [InlineData("/%4", "/%4", "")]
    [InlineData("/%zz%4z", "/%zz%4z", "")]
    [InlineData("http://h:80/ws?x", "/ws", "?x")]
    [InlineData("ws://h:80/ws?x", "/ws", "?x")]
    [InlineData("WSS://h/ws", "/ws", "")]
    [InlineData("https://h", "/", "")]
    [InlineData("https://h?x=/y", "/", "?x=/y")]
    public void PathAndQuery_Target_AreSplit(string target, string path, string query)
    {
        UpgradeRequest request = TestHead.Request(TestHead.With(target: target));
        Assert.Equal(path, request.Path);
        Assert.Equal(query, request.QueryString);
    }

    [Fact]
    public void Path_LongEncoded_IsDecodedWhole() =>
        Assert.Equal(
            "/" + new string('x', 500),
            TestHead.Request(TestHead.With(target: "/" + string.Concat(Enumerable.Repeat("%78", 500)))).Path);

    [Theory]
    [InlineData("?a=1&b=2", "b", "2")]
    [InlineData("?a=1&a=2", "a", "1")]
    [InlineData("?a", "a", "")]
    [InlineData("?a=", "a", "")]
    [InlineData("?a=b=c", "a", "b=c")]
    [InlineData("?a=x%26y%3D+z%2F", "a", "x&y= z/")]
    [InlineData("?%61+b=1", "a b", "1")]
    [InlineData("?&&a=1", "a", "1")]
    [InlineData("?&&a=1", "", null)]
    [InlineData("?=1", "", "1")]
    [InlineData("?A=1", "a", null)]
    [InlineData("?ab=1", "a", null)]
    [InlineData("?a=1", "ab", null)]
    [InlineData("?caf%c3%a9=%E2%82%AC", "caf\u00e9", "\u20ac")]
    [InlineData("?", "a", null)]
    [InlineData("", "", null)]
    public void GetQueryValue_Query_IsFirstDecodedValue(string query, string name, string? expected) =>
        Assert.Equal(expected, TestHead.Request(TestHead.With(target: "/ws" + query)).GetQueryValue(name));

    [Fact]
    public void GetQueryValues_SeveralOrNone_AreAllInOrder()
    {
        UpgradeRequest request = TestHead.Request(TestHead.With(target: "/ws?a=1&b=2&%61=3&a"));
        Assert.Equal(["1", "3", ""], request.GetQueryValues("a"));
        Assert.Empty(request.GetQueryValues("c"));
    }

    [Fact]
    public void GetHeader_AnyLetterCaseAndSeveralLines_AreJoined()
    {
        UpgradeRequest request = TestHead.Request(TestHead.With("X-A:  1 \r\nx-a:\t2\r\nX-B:\r\nX-A: 3, 4"));
        Assert.Equal("1, 2, 3, 4", request.GetHeader("x-A"));
        Assert.Equal("", request.GetHeader("X-B"));
        Assert.Null(request.GetHeader("X-C"));
        Assert.Null(request.GetHeader(""));
    }

    [Theory]
    [InlineData(new byte[] { 0xC3, 0xA9 }, "\u00e9")] // UTF-8
    [InlineData(new byte[] { 0xE9 }, "\u00e9")] // Latin-1
    public void GetHeader_NotAscii_IsUtf8OrElseLatin1(byte[] value, string expected)
    {
        byte[] head = [.. "GET / HTTP/1.1\r\nX: "u8, .. value, .. "\r\n\r\n"u8];
        Assert.Equal(expected, new UpgradeRequest(head).GetHeader("X"));
    }

    [Fact]
    public void Headers_Lines_AreInOrderAndNotJoined()
    {
        UpgradeRequest request = TestHead.Request("GET / HTTP/1.1\r\nB: 1\r\na:2\r\nmalformed\r\nB: 3\r\n\r\n");
        Assert.Equal(
            [new("B", "1"), new("a", "2"), new("B", "3")],
            (IEnumerable<KeyValuePair<string, string>>)request.Headers);
        Assert.Empty(TestHead.Request("GET / HTTP/1.1\r\n\r\n").Headers);
    }

    [Fact]
    public void Arguments_Null_Throw()
    {
        UpgradeRequest request = TestHead.Request(TestHead.Valid);
        Assert.Throws<ArgumentNullException>(() => request.GetHeader(null!));
        Assert.Throws<ArgumentNullException>(() => request.GetQueryValue(null!));
        Assert.Throws<ArgumentNullException>(() => request.GetQueryValues(null!));
    }

    [Fact] // RFC 9112 3.2.2
    public void Authority_AbsoluteForm_OverridesHost()
    {
        Assert.Equal("other:81", TestHead.Request(TestHead.With(target: "http://other:81/ws")).Authority);
        Assert.Equal("server.example.com", TestHead.Request(TestHead.Valid).Authority);
        Assert.Null(TestHead.Request(TestHead.With(without: "Host")).Authority);
    }

    [Fact]
    public void EncodedPath_IsWhatEndpointsAreLookedUpBy()
    {
        Assert.Equal(1, TestHead.Endpoints.IndexOf(TestHead.Request(TestHead.With(target: "/chat/room%201?x")).EncodedPath));
        Assert.Equal(-1, TestHead.Endpoints.IndexOf("/chat"u8));
        Assert.Equal(0, new EndpointPaths(["/"]).IndexOf(TestHead.Request(TestHead.With(target: "http://h")).EncodedPath));
    }

    [Theory]
    [InlineData("ws")]
    [InlineData("")]
    [InlineData("/ws?x")]
    [InlineData("/ws#x")]
    public void EndpointPaths_BadPath_Throws(string path) =>
        Assert.Throws<ArgumentException>(() => new EndpointPaths(["/ok", path]));

    [Fact]
    public void FromHead_Segments_AreCopied()
    {
        byte[] bytes = Encoding.ASCII.GetBytes(TestHead.Valid);
        UpgradeRequest request = UpgradeRequest.FromHead(TestHead.Segmented(bytes, 5));
        bytes.AsSpan().Clear();
        Assert.Equal(TestHead.Valid, Encoding.ASCII.GetString(request.Head));
    }

    [Theory]
    [InlineData("")]
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("GET / HTTP/1.1\r\nA: b\r\n")]
    [InlineData("GET /\r\n\r\n")]
    public void Constructor_NoHead_Throws(string head) => Assert.Throws<ArgumentException>(() => TestHead.Request(head));

    [Fact]
    public void FromHttp_ParsedRequest_HasTheResultOfItsHeaderBlock()
    {
        UpgradeRequest head = TestHead.Request(TestHead.With("X: \u00c3\u00a9", target: "/ws?a=1"));
        UpgradeRequest request = UpgradeRequest.FromHttp("GET", "/ws?a=1", head.Headers);
        Assert.Equal(Encoding.Latin1.GetString(head.Head), Encoding.Latin1.GetString(request.Head));
        Assert.True(HandshakeRules.Validate(request).IsAccepted);
        Assert.Equal("\u00e9", request.GetHeader("x"));
    }

    [Theory]
    [InlineData("GET", "/ws", "X", "a\r\nY: b")]
    [InlineData("GET", "/ws", "X", "a\nb")]
    [InlineData("GET", "/ws", "X", "a\rb")]
    [InlineData("GET", "/ws", "X", "a\0b")]
    [InlineData("GET", "/ws", "X: a\r\nY", "b")]
    [InlineData("GET", "/ws", "", "b")]
    [InlineData("GET", "/ws", ":path", "b")]
    [InlineData("GET / HTTP/1.1\r\nX:", "/ws", "X", "a")]
    [InlineData("", "/ws", "X", "a")]
    [InlineData("GET", "/ws HTTP/1.1\r\nX: a", "X", "a")]
    [InlineData("GET", "/w s", "X", "a")]
    [InlineData("GET", "/w\u00e9", "X", "a")]
    [InlineData("GET", "", "X", "a")]
    [InlineData("GET", "*", "X", "a")]
    public void FromHttp_WhatWouldNotStayInItsPlace_Throws(string method, string target, string name, string value) =>
        Assert.Throws<ArgumentException>(() => UpgradeRequest.FromHttp(method, target, [new(name, value)]));
}
