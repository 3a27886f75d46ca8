using System.Text;
using Weir.Client.Events;
using Weir.Client.Tests.Fakes;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Client.Tests.Centrifugo;

/// <summary>Any JSON that a server carries is delivered unchanged, and ends no connection.</summary>
public sealed class VerbatimDataTests : CentrifugoFixture
{
    public static TheoryData<string> Values { get; } =
    [
        Nested(62),
        Nested(64),
        Nested(1000),
        Nested(200_000),
        """{"half":"\ud800","other":"\udc00\ud800"}""",
        """{"\ud800":1,"\ud800":2}""",
        """{"a":1,"a":{"a":2},"data":3,"data":4}""",
        "123456789012345678901234567890.123456789e+12345",
        "-0",
        "1e400",
        "\"\\u0000\\u2028\\/\"",
        "[ 1 ,\t{ } , [ ] ]",
        "null",
    ];

    [Theory]
    [MemberData(nameof(Values))]
    public async Task Data_IsHandedOnVerbatim_LiveAndRecovered(string data)
    {
        (_, Listening<SubscriptionEvent> events) = await SubscribeAsync(0);

        Server.Publish("c", 1, data);
        Server.Connection.SendToClient(
            $$"""{"push":{"channel":"c","join":{"info":{"user":"u","client":"x","chan_info":{{data}},"conn_info":{{data}} } } } }""");
        Assert.Equal(data, Encoding.UTF8.GetString((await events.NextAsync<PublicationReceived>()).Publication.Data.Span));
        Assert.Equal(data, Encoding.UTF8.GetString((await events.NextAsync<MemberJoined>()).Info.ConnectionInfo.Span));
        await Server.LoseConnectionAsync(Events, Time);
        await events.NextAsync<Interrupted>();
        await Server.AcceptAsync($"\"data\":{data},\"ping\":25,\"pong\":true");
        (uint id, _) = await Server.ReceiveAsync("subscribe");
        Server.Answer(id, "subscribe", $$"""{"recoverable":true,"epoch":"e","offset":2,"recovered":true,"data":{{data}},"publications":[{{ScriptedServer.Publication(2, data)}}]}""");

        await events.NextAsync<Subscribed>();
        Assert.Equal(data, Encoding.UTF8.GetString((await events.NextAsync<PublicationReceived>()).Publication.Data.Span));
    }

    [Theory]
    [MemberData(nameof(Values))]
    public async Task Answers_AreHandedOnVerbatim_AndDataIsSentAsItIs(string data)
    {
        await ConnectAsync();

        Task<ReadOnlyMemory<byte>> rpc = Client.RpcAsync("m", Encoding.UTF8.GetBytes(data));
        string command = await Server.Connection.ReceiveFromClientAsync();
        Assert.Contains($"\"data\":{data}", command, StringComparison.Ordinal);
        Server.Connection.SendToClient($$$"""{"id":2,"rpc":{"data":{{{data}}}}}""");

        Assert.Equal(data, Encoding.UTF8.GetString((await rpc.Within()).Span));
    }

    [Fact]
    public async Task TextOfTheProtocol_WithHalfASurrogatePair_IsReadAsItIs()
    {
        (_, Listening<SubscriptionEvent> events) = await SubscribeAsync(0);

        Server.Connection.SendToClient("""{"push":{"channel":"c","pub":{"data":1,"offset":1,"tags":{"\ud800k\n":"v\udc00\u0041"},"info":{"user":"u\ud801","client":"\"\\\/"}}}}""");

        ClientPublication publication = (await events.NextAsync<PublicationReceived>()).Publication;
        Assert.Equal(("v\udc00A", "u\ud801", "\"\\/"), (publication.Tags["\ud800k\n"], publication.Info!.User, publication.Info.Client));
    }

    private static string Nested(int depth) => $"{new string('[', depth)}{new string(']', depth)}";
}
