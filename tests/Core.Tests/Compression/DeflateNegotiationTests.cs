using System.Text;
using Weir.Protocol.Compression;
using Xunit;

namespace Weir.Core.Tests.Compression;

/// <summary>RFC 7692 5.1 and 7.1, RFC 6455 9.1: offer in, response out.</summary>
public class DeflateNegotiationTests
{
    private const string Pmd = "permessage-deflate";
    private const string NoTakeover = "; server_no_context_takeover; client_no_context_takeover";
    private const string ByDefault = "; server_no_context_takeover";

    // With takeover allowed on both sides, the response shows exactly what was offered.
    [Theory]
    [InlineData("", "")]
    [InlineData("; server_no_context_takeover", "; server_no_context_takeover")]
    [InlineData("; client_no_context_takeover", "; client_no_context_takeover")]
    [InlineData("; client_no_context_takeover; server_no_context_takeover", NoTakeover)]
    [InlineData("; server_max_window_bits=9", "; server_max_window_bits=9")]
    [InlineData("; server_max_window_bits=10", "; server_max_window_bits=10")]
    [InlineData("; server_max_window_bits=15", "; server_max_window_bits=15")]
    [InlineData("; server_max_window_bits=\"10\"", "; server_max_window_bits=10")]
    [InlineData("; client_max_window_bits", "")]
    [InlineData("; client_max_window_bits=8", "")]
    [InlineData("; client_max_window_bits=9", "")]
    [InlineData("; client_max_window_bits=15", "")]
    [InlineData(";client_max_window_bits;server_max_window_bits = 12", "; server_max_window_bits=12")]
    [InlineData("\t; \tserver_max_window_bits\t=\t12 \t", "; server_max_window_bits=12")]
    public void TryNegotiate_ValidOffer_Answers(string offer, string answer)
    {
        var options = new DeflateOptions { Enabled = true, ServerContextTakeover = true, ClientContextTakeover = true };

        Assert.Equal(Pmd + answer, Negotiate(Pmd + offer, options));
    }

    [Theory]
    [InlineData("", "; server_no_context_takeover")]
    [InlineData("; client_max_window_bits", "; server_no_context_takeover")]
    [InlineData("; client_no_context_takeover", NoTakeover)]
    public void TryNegotiate_ByDefault_RequiresNoContextTakeoverOnlyOfClientsThatOfferedIt(string offer, string answer)
    {
        string? response = Negotiate(Pmd + offer, new DeflateOptions { Enabled = true }, out DeflateParameters parameters);

        Assert.Equal(Pmd + answer, response);
        Assert.Equal(answer == NoTakeover, parameters.ClientNoContextTakeover);
    }

    [Fact]
    public void TryNegotiate_ContextTakeoverOfClientsIsOff_RequiresItOfEveryClient()
    {
        DeflateOptions options = new() { Enabled = true, ClientContextTakeover = false };

        Assert.Equal(Pmd + NoTakeover, Negotiate(Pmd, options));
    }

    [Fact]
    public void TryNegotiate_Parameters_FollowTheResponse()
    {
        var options = new DeflateOptions
        {
            Enabled = true,
            ServerContextTakeover = true,
            ClientContextTakeover = true,
            ServerMaxWindowBits = 13,
            ClientMaxWindowBits = 11,
        };

        Negotiate(Pmd, options, out DeflateParameters plain);
        Negotiate(Pmd + "; client_max_window_bits; server_no_context_takeover", options, out var server);
        Negotiate(Pmd + "; client_no_context_takeover; server_max_window_bits=9", options, out var client);

        // 7.1.2.2: a client that did not name client_max_window_bits cannot be limited and may use it all.
        Assert.Equal(new DeflateParameters(13, false, 15, false), plain);
        Assert.Equal(new DeflateParameters(13, true, 11, false), server);
        Assert.Equal(new DeflateParameters(9, false, 15, true), client);
    }

    [Theory]
    [InlineData("", "; server_max_window_bits=12")]
    [InlineData("; server_max_window_bits=15", "; server_max_window_bits=12")]
    [InlineData("; server_max_window_bits=10", "; server_max_window_bits=10")]
    [InlineData("; client_max_window_bits", "; server_max_window_bits=12; client_max_window_bits=11")]
    [InlineData("; client_max_window_bits=15", "; server_max_window_bits=12; client_max_window_bits=11")]
    [InlineData("; client_max_window_bits=11", "; server_max_window_bits=12")]
    [InlineData("; client_max_window_bits=10", "; server_max_window_bits=12")]
    public void TryNegotiate_OurLimits_AreStated(string offer, string answer)
    {
        var options = new DeflateOptions { Enabled = true, ServerMaxWindowBits = 12, ClientMaxWindowBits = 11 };

        Assert.Equal(Pmd + ByDefault + answer, Negotiate(Pmd + offer, options));
    }

    [Theory]
    [InlineData("; server_max_window_bits=8")] // zlib cannot
    [InlineData("; server_max_window_bits=7")]
    [InlineData("; server_max_window_bits=16")]
    [InlineData("; server_max_window_bits=0")]
    [InlineData("; server_max_window_bits=1")]
    [InlineData("; server_max_window_bits=100")]
    [InlineData("; server_max_window_bits=ten")]
    [InlineData("; server_max_window_bits")]
    [InlineData("; server_max_window_bits=010")]
    [InlineData("; server_max_window_bits=09")]
    [InlineData("; server_max_window_bits=-9")]
    [InlineData("; server_max_window_bits=+9")]
    [InlineData("; server_max_window_bits=10.0")]
    [InlineData("; server_max_window_bits=\"\"")]
    [InlineData("; server_max_window_bits=\" 10\"")]
    [InlineData("; client_max_window_bits=7")]
    [InlineData("; client_max_window_bits=16")]
    [InlineData("; client_max_window_bits=x")]
    [InlineData("; client_max_window_bits=09")]
    [InlineData("; client_max_window_bits=\"\"")]
    [InlineData("; server_no_context_takeover=1")]
    [InlineData("; client_no_context_takeover=true")]
    [InlineData("; server_no_context_takeover=\"\"")]
    [InlineData("; mystery")]
    [InlineData("; mystery=1")]
    [InlineData("; SERVER_NO_CONTEXT_TAKEOVER")]
    [InlineData("; server_no_context_takeover; server_no_context_takeover")]
    [InlineData("; client_no_context_takeover; client_no_context_takeover")]
    [InlineData("; client_max_window_bits; client_max_window_bits=10")]
    [InlineData("; server_max_window_bits=10; server_max_window_bits=10")]
    public void TryNegotiate_InvalidOffer_IsDeclined(string offer)
    {
        var options = new DeflateOptions { Enabled = true };

        Assert.Null(Negotiate(Pmd + offer, options));
        // 7.1: declining one offer leaves the next, here the plain one every client can follow up with.
        Assert.Equal(Pmd + ByDefault, Negotiate(Pmd + offer + ", " + Pmd, options));
    }

    [Theory]
    [InlineData("permessage-deflate; server_max_window_bits=11, permessage-deflate; server_max_window_bits=12", 11)]
    [InlineData("permessage-deflate; mystery, permessage-deflate; server_max_window_bits=12", 12)]
    [InlineData("permessage-bzip2, permessage-deflate; server_max_window_bits=12", 12)]
    [InlineData("x-probe; a=\"b,c;d\", permessage-deflate; server_max_window_bits=12", 12)]
    [InlineData("x-probe; a=\"\\\"\\\\\", permessage-deflate; server_max_window_bits=12", 12)]
    [InlineData(", ,,permessage-deflate; server_max_window_bits=12,, , x", 12)]
    public void TryNegotiate_SeveralOffers_TakesTheFirstGoodOne(string offers, int bits)
    {
        var options = new DeflateOptions { Enabled = true };

        Assert.Equal(Pmd + ByDefault + $"; server_max_window_bits={bits}", Negotiate(offers, options));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData(", ,")]
    [InlineData("x-webkit-deflate-frame")]
    [InlineData("Permessage-Deflate")]
    [InlineData("permessage-deflates")]
    public void TryNegotiate_NoOfferForUs_IsDeclined(string offers) =>
        Assert.Null(Negotiate(offers, new DeflateOptions { Enabled = true }));

    [Theory]
    [InlineData("permessage-deflate;")]
    [InlineData("permessage-deflate; ,x")]
    [InlineData("permessage-deflate; =1")]
    [InlineData("permessage-deflate; client_max_window_bits=")]
    [InlineData("permessage-deflate; client_max_window_bits=,x")]
    [InlineData("permessage-deflate; client_max_window_bits=\"10")]
    [InlineData("permessage-deflate; client_max_window_bits=\"10\\")]
    [InlineData("permessage-deflate; client_max_window_bits=\"10\"x")]
    [InlineData("permessage-deflate; client_max_window_bits=10 11")]
    [InlineData("permessage-deflate client_max_window_bits")]
    [InlineData("permessage-deflate, ;")]
    [InlineData("permessage-deflate, (x)")]
    [InlineData("permessage-deflate, x; y=\"\u0001\"")]
    [InlineData("permessage-deflate, \u00E9")]
    [InlineData("\"permessage-deflate\"")]
    public void TryNegotiate_GrammarBroken_CountsAsNoOffer(string offers) =>
        Assert.Null(Negotiate(offers, new DeflateOptions { Enabled = true }));

    [Fact]
    public void TryNegotiate_NotEnabled_IsDeclined() => Assert.Null(Negotiate(Pmd, new DeflateOptions()));

    [Fact]
    public void TryNegotiate_OneByteOff_NeverThrowsNorAnswersWhatWasNotOffered()
    {
        var options = new DeflateOptions { Enabled = true };
        byte[] header = Encoding.ASCII.GetBytes(
            "x; a=\"b\\\"c\", permessage-deflate; client_max_window_bits; server_max_window_bits=\"10\"");
        for (int position = 0; position < header.Length; position++)
        {
            for (int value = 0; value < 256; value++)
            {
                byte[] mutated = [.. header];
                mutated[position] = (byte)value;
                if (DeflateNegotiation.TryNegotiate(mutated, options.ToSettings(), out var parameters, out string answer))
                {
                    Assert.StartsWith(Pmd + ByDefault, answer, StringComparison.Ordinal);
                    Assert.InRange(parameters.ServerMaxWindowBits, 9, 15);
                    Assert.Equal(15, parameters.ClientMaxWindowBits);
                }
            }

            Assert.False(DeflateNegotiation.TryNegotiate(header.AsSpan(0, position), options.ToSettings(), out _, out string cut)
                && cut.Contains("server_max_window_bits", StringComparison.Ordinal));
        }
    }

    private static string? Negotiate(string offers, DeflateOptions options) => Negotiate(offers, options, out _);

    private static string? Negotiate(string offers, DeflateOptions options, out DeflateParameters parameters) =>
        DeflateNegotiation.TryNegotiate(Encoding.Latin1.GetBytes(offers), options.ToSettings(), out parameters, out string response)
            ? response
            : null;
}
