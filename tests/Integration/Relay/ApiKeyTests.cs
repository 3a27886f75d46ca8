using System.Net;
using System.Text.Json;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Relay;

/// <summary>Keys of the API with rights and rooms, and the log of calls that change something.</summary>
public sealed class ApiKeyTests
{
    private const string Chat = "key-of-the-chat-0123456789";
    private const string ChatBefore = "old-key-of-the-chat-0123456789";
    private const string Operator = "key-of-the-operator-0123456789";
    private const string All = "key-of-everything-0123456789";

    private static readonly (string, string)[] _settings =
    [
        ("Weir__Api__Key", All),
        ("Weir__Api__Keys__0__Name", "chat"), ("Weir__Api__Keys__0__Key", Chat), ("Weir__Api__Keys__0__Rights", "publish, history, info"),
        ("Weir__Api__Keys__0__Rooms", "chat:*, news"),
        ("Weir__Api__Keys__1__Name", "chat-before"), ("Weir__Api__Keys__1__Key", ChatBefore), ("Weir__Api__Keys__1__Rights__0", "publish"),
        ("Weir__Api__Keys__2__Name", "operator"), ("Weir__Api__Keys__2__Key", Operator),
        ("Weir__Api__Keys__2__Rights", "disconnect,history_remove,presence"),
        ("Weir__Rooms__0__Pattern", "*"), ("Weir__Rooms__0__HistorySize", "10"), ("Weir__Rooms__0__Presence", "true"),
        ("Logging__LogLevel__Weir.Audit", "Debug"),
    ];

    [Fact]
    public async Task Key_PermitsItsRightsForItsRoomsOnly()
    {
        await using HostProcess host = await HostProcess.StartAsync(_settings);
        using HttpClient http = RelayHost.NewClient(host);

        Assert.Equal(0, await ErrorAsync(http, Chat, "publish", """{"channel":"chat:1","data":1}"""));
        Assert.Equal(0, await ErrorAsync(http, Chat, "history", """{"channel":"news"}"""));
        Assert.Equal(103, await ErrorAsync(http, Chat, "publish", """{"channel":"other","data":1}"""));
        Assert.Equal(103, await ErrorAsync(http, Chat, "history", """{"channel":"chat"}"""));
        Assert.Equal(103, await ErrorAsync(http, Chat, "presence", """{"channel":"chat:1"}"""));
        Assert.Equal(103, await ErrorAsync(http, Chat, "presence_stats", """{"channel":"chat:1"}"""));
        Assert.Equal(103, await ErrorAsync(http, Chat, "disconnect", """{"user":"u"}"""));
        Assert.Equal(103, await ErrorAsync(http, Chat, "history_remove", """{"channel":"chat:1"}"""));
        Assert.Equal(0, await ErrorAsync(http, Chat, "info", "{}"));
        Assert.Equal(0, await ErrorAsync(http, ChatBefore, "publish", """{"channel":"other","data":1}""")); // rooms: all
        Assert.Equal(0, await ErrorAsync(http, Operator, "disconnect", """{"user":"u"}"""));
        Assert.Equal(0, await ErrorAsync(http, Operator, "presence", """{"channel":"any"}"""));
        Assert.Equal(103, await ErrorAsync(http, Operator, "publish", """{"channel":"any","data":1}"""));
        Assert.Equal(103, await ErrorAsync(http, Operator, "info", "{}"));
        Assert.Equal(0, await ErrorAsync(http, All, "publish", """{"channel":"any","data":1}"""));
        using HttpResponseMessage wrong = await RelayHost.SendAsync(http, "publish", "{}", Chat + "x");
        Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);
    }

    [Fact]
    public async Task Broadcast_AndChannels_AreLimitedToTheRoomsOfTheKey()
    {
        await using HostProcess host = await HostProcess.StartAsync(_settings);
        using HttpClient http = RelayHost.NewClient(host);
        using RawClient inside = await host.OpenAsync("/ws?room=chat:1");
        using RawClient outside = await host.OpenAsync("/ws?room=secret");

        JsonElement broadcast = await RelayHost.CallAsync(http, "broadcast", """{"channels":["chat:1","secret"],"data":1}""", Chat);
        JsonElement channels = await RelayHost.CallAsync(http, "channels", "{}", Chat);
        JsonElement all = await RelayHost.CallAsync(http, "channels", "{}", All);

        JsonElement[] responses = [.. broadcast.GetProperty("result").GetProperty("responses").EnumerateArray()];
        Assert.Equal(1, responses[0].GetProperty("result").GetProperty("offset").GetInt64());
        Assert.Equal(103, responses[1].GetProperty("error").GetProperty("code").GetInt32());
        Assert.Equal("1", (await inside.ReadFrameAsync()).Text);
        Assert.Equal(["chat:1"], channels.GetProperty("result").GetProperty("channels").EnumerateObject().Select(static room => room.Name));
        Assert.Equal(
            ["chat:1", "secret"],
            all.GetProperty("result").GetProperty("channels").EnumerateObject().Select(static room => room.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task CallsThatChangeSomething_AreInTheLog_WithoutDataOrKeys()
    {
        await using HostProcess host = await HostProcess.StartAsync(_settings);
        using HttpClient http = RelayHost.NewClient(host);

        await ErrorAsync(http, Chat, "publish", """{"channel":"chat:1","data":"private words"}""");
        await ErrorAsync(http, Chat, "publish", """{"channel":"other","data":"private words"}""");
        await ErrorAsync(http, All, "broadcast", """{"channels":["a","b","c"],"data":"private words"}""");
        await ErrorAsync(http, Operator, "history_remove", """{"channel":"chat:1"}""");
        await ErrorAsync(http, Operator, "disconnect", """{"user":"u1\nwarn: forged","client":""}""");
        await ErrorAsync(http, Operator, "publish", """{"channel":"a","data":"private words"}""");
        await ErrorAsync(http, Operator, "presence", """{"channel":"a"}""");
        host.Terminate();
        Assert.Equal(0, await host.ExitAsync());

        string[] lines = host.Output.Split('\n');
        string[] audit = [.. lines.Index().Where(pair => pair.Item.Contains(": Weir.Audit[", StringComparison.Ordinal))
            .Select(pair => lines[pair.Index + 1].Trim())];
        Assert.Equal(
            [
                "chat at 127.0.0.1: publish to 1 rooms, first chat:1: done",
                "chat at 127.0.0.1: publish to 1 rooms, first other: permission denied",
                "default at 127.0.0.1: broadcast to 3 rooms, first a: done",
                "operator at 127.0.0.1: history_remove of chat:1: done",
                "operator at 127.0.0.1: disconnect of user 'u1?warn: forged' client '' with 3503: done",
                "operator at 127.0.0.1: publish denied, the key lacks the right",
            ],
            audit);
        string all = host.Output + host.Errors;
        Assert.All((string[])["private words", Chat, Operator, All], secret => Assert.DoesNotContain(secret, all, StringComparison.Ordinal));
    }

    [Fact]
    public async Task PublishesInTheLog_AreOffByDefault()
    {
        await using HostProcess host = await HostProcess.StartAsync([.. _settings[..^1]]);
        using HttpClient http = RelayHost.NewClient(host);

        await ErrorAsync(http, Chat, "publish", """{"channel":"chat:1","data":1}""");
        await ErrorAsync(http, Operator, "disconnect", """{"user":"u"}""");
        await Bounded.Eventually(() => host.Output.Contains("disconnect of user 'u'", StringComparison.Ordinal));

        Assert.DoesNotContain("publish to", host.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Weir:Api:Keys:0:Rights is ''; allowed is a list of at least one right", "Name=a", "Key=0123456789abcdef")]
    [InlineData("Weir:Api:Keys:0:Rights is 'publsh'; allowed is a list of publish, history,", "Name=a", "Key=0123456789abcdef", "Rights=publsh")]
    [InlineData("Weir:Api:Keys:0:Name is ''; allowed is a name", "Key=0123456789abcdef", "Rights=*")]
    [InlineData("Weir:Api:Keys:0:Key is ''; allowed is a value", "Name=a", "Rights=*")]
    public async Task KeyThatIsIncomplete_EndsTheStart(string message, params string[] settings)
    {
        (int exitCode, _, string errors) = await HostProcess.RunAsync([.. settings.Select(static setting => $"--Weir:Api:Keys:0:{setting}")]);

        Assert.Equal(1, exitCode);
        Assert.Contains(message, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("0123456789abcdef", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task KeysWithOneNameOrValue_EndTheStart()
    {
        (int exitCode, _, string errors) = await HostProcess.RunAsync(
        [
            "--Weir:Api:Keys:0:Name=a", "--Weir:Api:Keys:0:Key=0123456789abcdef", "--Weir:Api:Keys:0:Rights=*",
            "--Weir:Api:Keys:1:Name=a", "--Weir:Api:Keys:1:Key=0123456789abcdef", "--Weir:Api:Keys:1:Rights=*",
        ]);

        Assert.Equal(1, exitCode);
        Assert.Contains("Weir:Api:Keys:1:Name is 'a'", errors, StringComparison.Ordinal);
        Assert.Contains("Weir:Api:Keys:1:Key is '(not shown)'", errors, StringComparison.Ordinal);
    }

    // The code of the error; 0: none.
    private static async Task<int> ErrorAsync(HttpClient http, string key, string method, string body)
    {
        JsonElement answer = await RelayHost.CallAsync(http, method, body, key);
        return answer.TryGetProperty("error", out JsonElement error) ? error.GetProperty("code").GetInt32() : 0;
    }
}
