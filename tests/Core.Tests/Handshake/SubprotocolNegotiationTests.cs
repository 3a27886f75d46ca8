using Weir.Handshake;
using Xunit;

namespace Weir.Core.Tests.Handshake;

public class SubprotocolNegotiationTests
{
    [Theory]
    [InlineData(null, null)]
    [InlineData("", null)]
    [InlineData("chat.v1", "chat.v1")]
    [InlineData("chat.v1, chat.v2", "chat.v2")] // the server's order
    [InlineData("other,chat.v1", "chat.v1")]
    [InlineData(" ,\tchat.v1 ,,", "chat.v1")]
    [InlineData("other", null)]
    [InlineData("CHAT.V1", null)]
    [InlineData("chat.v", null)]
    [InlineData("chat.v11", null)]
    [InlineData("chat.v1, chat.v1", "chat.v1")]
    [InlineData("chat.v1, bad name", null)]
    [InlineData("@,@", null)]
    [InlineData("chat.v1;q=1", null)]
    [InlineData("\"chat.v1\"", null)]
    public void Select_Offer_PicksTheServersFirst(string? offer, string? expected) =>
        Assert.Equal(expected, SubprotocolNegotiation.Select(offer, ["chat.v2", "chat.v1"]));

    [Fact]
    public void Select_NothingSupported_IsNull() => Assert.Null(SubprotocolNegotiation.Select("chat.v1", []));
}
