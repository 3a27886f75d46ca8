using System.Text;
using Weir.Handshake;
using Xunit;

namespace Weir.Core.Tests.Handshake;

/// <summary>The requirements of RFC 6455 4.2.1, and of HTTP below it, one by one.</summary>
public class HandshakeRulesTests
{
    [Fact]
    public void Validate_ValidHandshake_IsAcceptedWithItsKey()
    {
        HandshakeResult result = HandshakeRules.Validate(TestHead.Request(TestHead.Valid));

        Assert.True(result.IsAccepted);
        Assert.Null(result.Refusal);
        Assert.Equal(TestHead.Key, Encoding.ASCII.GetString(result.Key));
        Assert.Null(result.SubprotocolOffer);
        Assert.Null(result.ExtensionOffer);
    }

    [Fact]
    public void Validate_Offers_AreJoinedOverTheirLines()
    {
        HandshakeResult result = HandshakeRules.Validate(TestHead.Request(TestHead.With(
            "Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Extensions: x; y=1\r\nsec-websocket-protocol: c")));

        Assert.Equal("a, b, c", result.SubprotocolOffer);
        Assert.Equal("x; y=1", result.ExtensionOffer);
    }

    [Theory] // 1. "An HTTP/1.1 or higher GET request"
    [InlineData("POST")]
    [InlineData("HEAD")]
    [InlineData("get")]
    [InlineData("CONNECT")]
    public void Validate_NotGet_Is405(string method) =>
        Assert.Same(HandshakeRefusal.NotGet, TestHead.Validate(TestHead.With(method: method)));

    [Theory]
    [InlineData("HTTP/1.0", 400)]
    [InlineData("HTTP/0.9", 505)]
    [InlineData("HTTP/1.2", 505)]
    [InlineData("HTTP/2.0", 505)]
    public void Validate_OtherHttpVersion_IsRefused(string version, int status) =>
        Assert.Equal(status, TestHead.Validate(TestHead.With(version: version))?.StatusCode);

    [Theory] // 2. "A |Host| header field containing the server's authority"
    [InlineData("a")]
    [InlineData("127.0.0.1:8080")]
    [InlineData("[::1]")]
    [InlineData("[2001:db8::1]:443")]
    [InlineData("x-y_z.example:")]
    [InlineData("%41.example")]
    public void Validate_GoodHost_IsAccepted(string host) => Assert.Null(TestHead.Validate(TestHead.Replacing("Host", host)));

    [Theory]
    [InlineData("")]
    [InlineData("a b@:/c")]
    [InlineData("user@host")]
    [InlineData("host/path")]
    [InlineData("host:port")]
    [InlineData("host:80:80")]
    [InlineData(":80")]
    [InlineData("[::1")]
    [InlineData("[::1]x")]
    [InlineData("[]")]
    [InlineData("[host]")]
    [InlineData("a, b")]
    [InlineData("h\u00f6st")]
    public void Validate_BadHost_IsRefused(string host) =>
        Assert.Same(HandshakeRefusal.BadHost, TestHead.Validate(TestHead.Replacing("Host", host)));

    [Fact]
    public void Validate_NoHost_IsRefused() =>
        Assert.Same(HandshakeRefusal.BadHost, TestHead.Validate(TestHead.With(without: "Host")));

    [Fact]
    public void Validate_TwoHosts_AreRefused() =>
        Assert.Same(HandshakeRefusal.BadHost, TestHead.Validate(TestHead.With("Host: server.example.com")));

    [Theory]
    [InlineData("http://user@server.example.com/ws")]
    [InlineData("http:///ws")]
    public void Validate_BadHostInTheTarget_IsRefused(string target) =>
        Assert.Same(HandshakeRefusal.BadHost, TestHead.Validate(TestHead.With(target: target)));

    [Theory] // 3. "An |Upgrade| header field containing the value "websocket", treated as an ASCII case-insensitive value"
    [InlineData("WebSocket")]
    [InlineData("WEBSOCKET")]
    [InlineData("h2c, websocket")]
    [InlineData("h2c\r\nUpgrade: websocket")]
    public void Validate_UpgradeNamesWebSocket_IsAccepted(string value) =>
        Assert.Null(TestHead.Validate(TestHead.Replacing("Upgrade", value)));

    [Theory]
    [InlineData("h2c")]
    [InlineData("websockets")]
    [InlineData("websocket/13")]
    [InlineData("web socket")]
    [InlineData("")]
    public void Validate_UpgradeNamesOther_IsRefused(string value) =>
        Assert.Same(HandshakeRefusal.NoUpgrade, TestHead.Validate(TestHead.Replacing("Upgrade", value)));

    [Fact]
    public void Validate_NoUpgrade_IsRefused() =>
        Assert.Same(HandshakeRefusal.NoUpgrade, TestHead.Validate(TestHead.With(without: "Upgrade")));

    [Theory] // 4. "A |Connection| header field that includes the token "Upgrade""
    [InlineData("upgrade")]
    [InlineData("UPGRADE")]
    [InlineData("keep-alive, Upgrade")]
    [InlineData("keep-alive,Upgrade")]
    [InlineData(", Upgrade ,")]
    [InlineData("\tkeep-alive\t,\tUpgrade\t")]
    [InlineData("keep-alive\r\nConnection: Upgrade")]
    [InlineData("Upgrade\r\nConnection: keep-alive")]
    public void Validate_ConnectionNamesUpgrade_IsAccepted(string value) =>
        Assert.Null(TestHead.Validate(TestHead.Replacing("Connection", value)));

    [Theory]
    [InlineData("close")]
    [InlineData("keep-alive")]
    [InlineData("upgraded")]
    [InlineData("x-upgrade")]
    [InlineData("")]
    public void Validate_ConnectionNamesOther_IsRefused(string value) =>
        Assert.Same(HandshakeRefusal.NoConnectionUpgrade, TestHead.Validate(TestHead.Replacing("Connection", value)));

    [Fact]
    public void Validate_NoConnection_IsRefused() =>
        Assert.Same(HandshakeRefusal.NoConnectionUpgrade, TestHead.Validate(TestHead.With(without: "Connection")));

    [Theory] // 5. "A |Sec-WebSocket-Key| header field with a base64-encoded value that, when decoded, is 16 bytes in length"
    [InlineData("AAAAAAAAAAAAAAAAAAAAAA==")]
    [InlineData("/////////////////////w==")]
    [InlineData("++++++++++++++++++++/w==")]
    public void Validate_GoodKey_IsAccepted(string key)
    {
        HandshakeResult result = HandshakeRules.Validate(TestHead.Request(TestHead.Replacing("Sec-WebSocket-Key", key)));
        Assert.Equal(key, Encoding.ASCII.GetString(result.Key));
    }

    [Theory]
    [InlineData("")]
    [InlineData("abc=")]
    [InlineData("eHh4eHh4eHh4eHh4eHh4")] // 15 bytes
    [InlineData("eHh4eHh4eHh4eHh4eHh4eHg=")] // 17 bytes
    [InlineData("eHh4eHh4eHh4eHh4eHh4eHh4")] // 18 bytes
    [InlineData("!!!!!!!!!!!!!!!!!!!!!!==")]
    [InlineData("dGhlIHNhbXBsZSBub25jZQ")]
    [InlineData("dGhlIHNhbXBsZSBub25jZQ=A")]
    [InlineData("--__--__--__--__--__-w==")] // the alphabet of URLs
    [InlineData("dGhlIHNhbXBs ZSBub25jZQ==")]
    [InlineData("dGhlIHNhbXBsZSBub25jZ\u00e9==")]
    [InlineData("dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==")]
    public void Validate_BadKey_IsRefused(string key) =>
        Assert.Same(HandshakeRefusal.BadKey, TestHead.Validate(TestHead.Replacing("Sec-WebSocket-Key", key)));

    [Fact]
    public void Validate_HugeKey_IsRefused() =>
        Assert.Same(
            HandshakeRefusal.BadKey, TestHead.Validate(TestHead.Replacing("Sec-WebSocket-Key", new string('A', 4000))));

    [Fact]
    public void Validate_NoKey_IsRefused() =>
        Assert.Same(HandshakeRefusal.BadKey, TestHead.Validate(TestHead.With(without: "Sec-WebSocket-Key")));

    [Theory] // 11.3.1: "MUST NOT appear more than once"
    [InlineData("AAAAAAAAAAAAAAAAAAAAAA==")]
    [InlineData(TestHead.Key)]
    public void Validate_TwoKeys_AreRefused(string second) =>
        Assert.Same(HandshakeRefusal.BadKey, TestHead.Validate(TestHead.With($"Sec-WebSocket-Key: {second}")));

    [Theory] // 6. "A |Sec-WebSocket-Version| header field, with a value of 13"
    [InlineData("0")]
    [InlineData("7")]
    [InlineData("12")]
    [InlineData("14")]
    [InlineData("255")]
    public void Validate_OtherVersion_Is426(string version) =>
        Assert.Same(HandshakeRefusal.OtherVersion, TestHead.Validate(TestHead.Replacing("Sec-WebSocket-Version", version)));

    [Fact]
    public void Validate_NoVersion_Is426() =>
        Assert.Same(HandshakeRefusal.OtherVersion, TestHead.Validate(TestHead.With(without: "Sec-WebSocket-Version")));

    [Fact]
    public void Validate_OtherVersionWithoutAKey_Is426() =>
        Assert.Same(
            HandshakeRefusal.OtherVersion,
            TestHead.Validate(TestHead.With("Sec-WebSocket-Version: 8", without: "Sec-WebSocket-Version")
                .Replace("Sec-WebSocket-Key", "Sec-WebSocket-Key1", StringComparison.Ordinal)));

    [Theory]
    [InlineData("")]
    [InlineData("thirteen")]
    [InlineData("13x")]
    [InlineData("013")]
    [InlineData("-13")]
    [InlineData("256")]
    [InlineData("1313")]
    [InlineData("13, 14")]
    [InlineData("13\r\nSec-WebSocket-Version: 12")]
    [InlineData("13\r\nSec-WebSocket-Version: 13")]
    public void Validate_GarbageVersion_Is400AndNamesOurs(string version)
    {
        HandshakeRefusal? refusal = TestHead.Validate(TestHead.Replacing("Sec-WebSocket-Version", version));
        Assert.Same(HandshakeRefusal.BadVersion, refusal);
        Assert.Equal("Sec-WebSocket-Version: 13", refusal?.ExtraHeader);
    }

    [Theory] // RFC 9112 5
    [InlineData("X-Name : x")]
    [InlineData("bad name: x")]
    [InlineData("nocolonhere")]
    [InlineData(": x")]
    [InlineData("n\u00e4me: x")]
    public void Validate_BadHeaderName_IsRefused(string line) =>
        Assert.Same(HandshakeRefusal.BadHeaderName, TestHead.Validate(TestHead.With(line)));

    [Theory] // RFC 9112 5.2
    [InlineData("X-Name: x\r\n folded")]
    [InlineData("X-Name: x\r\n\tfolded")]
    public void Validate_FoldedHeader_IsRefused(string lines) =>
        Assert.Same(HandshakeRefusal.FoldedHeader, TestHead.Validate(TestHead.With(lines)));

    [Fact]
    public void Validate_WhiteSpaceBeforeTheFirstHeader_IsRefused() =>
        Assert.Same(
            HandshakeRefusal.FoldedHeader,
            TestHead.Validate(TestHead.Valid.Replace("Host:", " Host:", StringComparison.Ordinal)));

    [Theory] // RFC 9110 5.5
    [InlineData("a\0b")]
    [InlineData("a\rb")]
    [InlineData("a\r")]
    [InlineData("a\u0001b")]
    [InlineData("a\u007fb")]
    public void Validate_ControlInAHeaderValue_IsRefused(string value) =>
        Assert.Same(HandshakeRefusal.BadHeaderValue, TestHead.Validate(TestHead.With($"X-Name: {value}")));

    [Fact] // RFC 9112 2.2
    public void Validate_BareLineFeed_IsRefused() =>
        Assert.Same(HandshakeRefusal.BareLineFeed, TestHead.Validate(TestHead.With("X-Name: a\nX-Other: b")));

    [Theory]
    [InlineData("X-Name: a\tb\u00ff")]
    [InlineData("X-Name:")]
    [InlineData("X-Name: a:b")]
    [InlineData("!#$%&'*+-.^_`|~09azAZ: x")]
    [InlineData("Cookie: a=b; c=d\r\nCookie: e=f")]
    [InlineData("Content-Length: 0")]
    public void Validate_OtherGoodHeader_IsAccepted(string line) => Assert.Null(TestHead.Validate(TestHead.With(line)));

    [Theory]
    [InlineData("Content-Length: 5")]
    [InlineData("Content-Length: -1")]
    [InlineData("Content-Length: 0, 5")]
    [InlineData("Content-Length: 0\r\nContent-Length: 5")]
    [InlineData("Content-Length: 5\r\nContent-Length: 0")]
    [InlineData("Content-Length:")]
    [InlineData("Transfer-Encoding: chunked")]
    [InlineData("transfer-encoding: identity")]
    public void Validate_Body_IsRefused(string line) =>
        Assert.Same(HandshakeRefusal.HasBody, TestHead.Validate(TestHead.With(line)));

    [Fact]
    public void Validate_NamesInAnyLetterCaseAndOrder_IsAccepted()
    {
        string[] lines = TestHead.Valid.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        IEnumerable<string> headers = lines.Skip(1).Reverse()
            .Select(line => line[..line.IndexOf(':', StringComparison.Ordinal)].ToUpperInvariant()
                + line[line.IndexOf(':', StringComparison.Ordinal)..]);
        Assert.Null(TestHead.Validate(string.Join("\r\n", [lines[0], .. headers]) + "\r\n\r\n"));
    }

    [Theory] // RFC 9110 5.5: white space around a value is no part of it
    [InlineData(":")]
    [InlineData(":    ")]
    [InlineData(":\t \t")]
    public void Validate_PaddedValues_AreAccepted(string colon)
    {
        string head = TestHead.Valid.Replace(": ", colon, StringComparison.Ordinal)
            .Replace("\r\nUpgrade", colon[1..] + "\r\nUpgrade", StringComparison.Ordinal)
            .Replace("==\r\n", "==" + colon[1..] + "\r\n", StringComparison.Ordinal)
            .Replace("13\r\n", "13" + colon[1..] + "\r\n", StringComparison.Ordinal);
        HandshakeResult result = HandshakeRules.Validate(TestHead.Request(head));
        Assert.Null(result.Refusal);
        Assert.Equal(TestHead.Key, Encoding.ASCII.GetString(result.Key));
    }

    [Fact] // RFC 8441 5: "[...] does not use the |Sec-WebSocket-Key|", nor Upgrade and Connection
    public void Validate_ExtendedConnect_NeedsNoUpgradeConnectionKeyOrHost()
    {
        UpgradeRequest request = UpgradeRequest.FromHttp(
            "CONNECT", "/ws", [new("sec-websocket-version", "13"), new("sec-websocket-protocol", "a")]);
        HandshakeResult result = HandshakeRules.Validate(request, extendedConnect: true);
        Assert.True(result.IsAccepted);
        Assert.True(result.Key.IsEmpty);
        Assert.Equal("a", result.SubprotocolOffer);
    }

    [Theory]
    [InlineData("GET", "13", 405)]
    [InlineData("CONNECT", "12", 400)] // a 426 must name an Upgrade, which HTTP/2 does not have
    [InlineData("CONNECT", "x", 400)]
    public void Validate_ExtendedConnectBroken_IsRefused(string method, string version, int status)
    {
        UpgradeRequest request = UpgradeRequest.FromHttp(method, "/ws", [new("sec-websocket-version", version)]);
        Assert.Equal(status, HandshakeRules.Validate(request, extendedConnect: true).Refusal?.StatusCode);
    }

    [Theory]
    [InlineData("/ws?room=%FF")]
    [InlineData("/ws?room=%FE")]
    [InlineData("/ws?room=caf%E9")]
    [InlineData("/ws?room=%C0%AF")] // overlong
    [InlineData("/ws?room=%E0%80%AF")]
    [InlineData("/ws?room=%ED%A0%80")] // a surrogate written as bytes
    [InlineData("/ws?room=%F4%90%80%80")] // beyond U+10FFFF
    [InlineData("/ws?room=%E2%82")] // truncated
    [InlineData("/ws?room=%E2%82&x=%AC")] // truncated by a delimiter
    [InlineData("/ws?room=%")]
    [InlineData("/ws?room=%4")]
    [InlineData("/ws?room=%4g")]
    [InlineData("/ws?r%FFoom=a")]
    [InlineData("/ws?x=100%&room=a")]
    [InlineData("/w%FFs")]
    public void Validate_TargetThatDoesNotDecodeToUtf8_IsRefusedWith400(string target)
    {
        UpgradeRequest request = UpgradeRequest.FromHttp("CONNECT", target, [new("sec-websocket-version", "13")]);

        Assert.Same(HandshakeRefusal.BadTarget, TestHead.Validate(TestHead.With(target: target)));
        Assert.Same(HandshakeRefusal.BadTarget, HandshakeRules.Validate(request, extendedConnect: true).Refusal);
        Assert.Equal(400, HandshakeRefusal.BadTarget.StatusCode);
    }

    [Theory]
    [InlineData("/ws?room=caf%C3%A9", "caf\u00e9")]
    [InlineData("/ws?room=%F0%9F%9A%80+%25", "\ud83d\ude80 %")]
    [InlineData("/ws?room=%EF%BF%BD", "\ufffd")]
    [InlineData("/ws?room=", "")]
    public void Validate_TargetThatDecodesToUtf8_IsAccepted(string target, string room)
    {
        UpgradeRequest request = TestHead.Request(TestHead.With(target: target));

        Assert.Null(HandshakeRules.Validate(request).Refusal);
        Assert.Equal(room, request.GetQueryValue("room"));
    }
}
