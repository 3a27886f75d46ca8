using Weir.Client.Events;
using Weir.Client.Reconnecting;
using Xunit;

namespace Weir.Client.Tests.Reconnecting;

public sealed class RulesTests
{
    [Theory]
    [InlineData(1000, false)]
    [InlineData(1001, true)]
    [InlineData(1002, false)]
    [InlineData(1003, false)]
    [InlineData(1005, true)]
    [InlineData(1007, false)]
    [InlineData(1008, false)]
    [InlineData(1009, true)]
    [InlineData(1010, false)]
    [InlineData(1011, true)]
    [InlineData(1012, true)]
    [InlineData(1013, true)]
    [InlineData(1014, true)]
    [InlineData(3000, true)]
    [InlineData(4000, true)]
    [InlineData(4400, true)]
    [InlineData(4401, false)]
    [InlineData(4403, false)]
    [InlineData(4499, true)]
    [InlineData(4500, false)]
    [InlineData(4999, false)]
    public void Raw_CloseCode_ReturnsOrStops(int code, bool returns)
        => Assert.Equal(returns,
            RawRules.MayReturn(new ConnectionEnd(EndKind.ClosedByServer) { CloseCode = code }, canRenewToken: false, hasConnected: false));

    [Fact]
    public void Raw_4401_ReturnsWithAnotherToken()
    {
        ConnectionEnd end = new(EndKind.ClosedByServer) { CloseCode = 4401 };

        Assert.True(RawRules.MayReturn(end, canRenewToken: true, hasConnected: false));
        Assert.True(RawRules.TokenIsBad(end));
        Assert.False(RawRules.TokenIsBad(end with { CloseCode = 1001 }));
    }

    [Theory]
    [InlineData(200, true)]
    [InlineData(400, false)]
    [InlineData(401, false)]
    [InlineData(403, false)]
    [InlineData(404, false)]
    [InlineData(408, true)]
    [InlineData(429, true)]
    [InlineData(431, false)]
    [InlineData(500, true)]
    [InlineData(502, true)]
    [InlineData(503, true)]
    [InlineData(504, true)]
    public void Http_Status_ReturnsOrStops(int status, bool returns)
        => Assert.Equal(returns,
            RawRules.MayReturn(new ConnectionEnd(EndKind.Refused) { HttpStatus = status }, canRenewToken: false, hasConnected: false));

    // Connected before, the request is known to be right: a proxy in between is being changed. Another token would not be another request.
    [Theory]
    [InlineData(400, true)]
    [InlineData(403, true)]
    [InlineData(404, true)]
    [InlineData(405, true)]
    [InlineData(410, true)]
    [InlineData(426, true)]
    [InlineData(431, true)]
    [InlineData(401, false)]
    public void Http_StatusAfterAConnection_ReturnsUnlessItIsTheToken(int status, bool returns)
    {
        ConnectionEnd end = new(EndKind.Refused) { HttpStatus = status };

        Assert.Equal(returns, RawRules.MayReturn(end, canRenewToken: false, hasConnected: true));
        Assert.Equal(returns, CentrifugoRules.MayReturn(end, canRenewToken: false, hasConnected: true));
    }

    [Theory]
    [InlineData(EndKind.ConnectionLost, true)]
    [InlineData(EndKind.HeartbeatTimeout, true)]
    [InlineData(EndKind.TimedOut, true)]
    [InlineData(EndKind.Unreachable, true)]
    [InlineData(EndKind.TlsFailed, true)]
    [InlineData(EndKind.TokenFailed, true)]
    [InlineData(EndKind.ProtocolError, true)]
    [InlineData(EndKind.NoToken, false)]
    [InlineData(EndKind.ClosedByClient, false)]
    public void Raw_OtherEnds_ReturnOrStop(EndKind kind, bool returns)
        => Assert.Equal(returns, RawRules.MayReturn(new ConnectionEnd(kind), canRenewToken: false, hasConnected: false));

    [Theory]
    [InlineData("7", 7.0)]
    [InlineData("0", 0.0)]
    [InlineData("Tue, 24 Nov 2026 12:00:30 GMT", 30.0)]
    [InlineData("Tue, 24 Nov 2026 11:00:00 GMT", 0.0)]
    [InlineData("99999999999999999999999", 2147483647.0)] // more digits than a number holds
    [InlineData("-1", null)]
    [InlineData("soon", null)]
    [InlineData("", null)]
    public void RetryAfter_IsSecondsOrADate(string value, double? seconds)
    {
        DateTimeOffset now = new(2026, 11, 24, 12, 0, 0, TimeSpan.Zero);

        Assert.Equal(seconds, Transport.RetryAfter.Read(value, now)?.TotalSeconds);
    }
}
