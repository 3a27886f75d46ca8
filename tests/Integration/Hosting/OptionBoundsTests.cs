using System.Net.WebSockets;
using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Weir.Auth;
using Weir.Brokers.Kafka;
using Weir.Brokers.Nats;
using Weir.Brokers.Redis;
using Weir.Host;
using Weir.Host.Settings;
using Weir.Integration.Servers;
using Weir.Protocols.Centrifugo;
using Weir.Relay;
using Weir.Relay.Brokers;
using Weir.Relay.Nodes;
using Weir.Rooms;
using Weir.Sources;
using Weir.Sources.Kafka;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Weir.Transports.Epoll;
using Xunit;

namespace Weir.Integration.Hosting;

/// <summary>
/// Every duration and number that the server takes, as a setting of the Host or as an option in code: a value at or beyond
/// the edge is refused by name, or gives a server that works. Settings and options are found, not listed, so that a new one
/// is tried too.
/// </summary>
public sealed partial class OptionBoundsTests
{
    private const string SecretKey = "Weir:Auth:Jwt:Secret";
    private const string Secret = "a secret of at least thirty-two bytes";

    private static readonly string[] _durations =
        ["0", "-1", "-00:00:00.001", "Infinity", "10675199.02:48:05.4775807", "25.00:00:00", "50.00:00:00", "600h", "1200h", "1e9"];

    private static readonly string[] _numbers = ["0", "-1", "Infinity", "NaN", "2147483647", "2147483648", "9223372036854775807", "1e400"];

    private static readonly TimeSpan[] _spans =
        [TimeSpan.Zero, TimeSpan.FromSeconds(-1), Timeout.InfiniteTimeSpan, TimeSpan.MinValue, TimeSpan.MaxValue, TimeSpan.FromDays(25),
            TimeSpan.FromDays(50)];

    private static readonly Type[] _optionTypes =
    [
        typeof(WeirOptions), typeof(WeirNodeOptions), typeof(HeartbeatOptions), typeof(InboundOptions), typeof(PressureOptions),
        typeof(DeflateOptions),
        typeof(RoomOptions), typeof(RelayOptions), typeof(RoomRule), typeof(SseOptions), typeof(ApiOptions), typeof(MemoryBrokerOptions),
        typeof(CentrifugoOptions), typeof(JwtOptions), typeof(RedisOptions), typeof(KafkaOptions), typeof(NatsOptions),
        typeof(SourcePublisherOptions), typeof(KafkaSourceOptions),
        typeof(EpollTransportOptions),
    ];

    public static TheoryData<string> Durations { get; } = [.. Settings("a time")];

    public static TheoryData<string> Numbers { get; } = [.. Settings("a whole number")];

    public static TheoryData<string, string> Options { get; } = [.. OptionsOf(_optionTypes)];

    [Fact]
    public void OptionTypes_AreAllThereAre()
    {
        Assembly[] assemblies = [typeof(WeirOptions).Assembly, typeof(RelayOptions).Assembly, typeof(CentrifugoOptions).Assembly,
            typeof(JwtOptions).Assembly, typeof(RedisOptions).Assembly, typeof(KafkaOptions).Assembly, typeof(NatsOptions).Assembly,
            typeof(SourcePublisherOptions).Assembly, typeof(KafkaSourceOptions).Assembly,
            typeof(EpollTransportOptions).Assembly];
        string[] found = [.. assemblies.SelectMany(static assembly => assembly.GetExportedTypes())
            .Where(static type => type.Name.EndsWith("Options", StringComparison.Ordinal) && OptionsOf([type]).Any())
                .Select(static type => type.Name)];

        Assert.Empty(found.Except(_optionTypes.Select(static type => type.Name)));
    }

    [Theory]
    [MemberData(nameof(Durations))]
    public Task Duration_AtTheEdge_IsRefusedByNameOrWorks(string key) => TryAllAsync(key, _durations);

    [Theory]
    [MemberData(nameof(Numbers))]
    public Task Number_AtTheEdge_IsRefusedByNameOrWorks(string key) => TryAllAsync(key, _numbers);

    [Theory]
    [MemberData(nameof(Options))]
    public void Option_BeyondItsBounds_IsRefusedByName(string type, string option)
    {
        Type of = _optionTypes.Single(each => each.Name == type);
        PropertyInfo property = of.GetProperty(option)!;
        object[] beyond = property.PropertyType == typeof(TimeSpan) ? [.. _spans.Where(static span => span < TimeSpan.Zero).Cast<object>()]
            : property.PropertyType == typeof(int) ? [-1, int.MinValue] : [-1L, long.MinValue];
        foreach (object value in beyond)
        {
            TargetInvocationException thrown =
                Assert.Throws<TargetInvocationException>(() => property.SetValue(Activator.CreateInstance(of), value));

            ArgumentOutOfRangeException refusal = Assert.IsType<ArgumentOutOfRangeException>(thrown.InnerException);
            Assert.Equal(option, refusal.ParamName);
        }
    }

    // Each option at its greatest value of those that are tried, all at once; and each at its least.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Options_AllAtTheirEdge_GiveAServerThatWorks(bool isGreatest)
    {
        RelayOptions relay = new();
        Push(relay, isGreatest);
        RoomRule rule = new() { Pattern = "*", Presence = true };
        Push(rule, isGreatest);
        relay.Rules = new RoomRules(rule);
        MemoryBrokerOptions broker = new();
        Push(broker, isGreatest);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddWeir(options => Push(options, isGreatest));
        builder.Services.AddSingleton<IBroker>(new MemoryBroker(broker));
        builder.Services.AddWeirRelay(
            options => (options.Rules, options.BrokerTimeout, options.PresenceLifetime, options.PositionCheckInterval)
            = (relay.Rules, relay.BrokerTimeout, relay.PresenceLifetime, relay.PositionCheckInterval));
        builder.Services.AddWeirCentrifugo(options => Push(options, isGreatest));
        if (OperatingSystem.IsLinux() && TransportUnderTest.IsEpoll)
        {
            builder.WebHost.UseEpollTransport(options =>
            {
                Push(options, isGreatest);
                options.Loops = 1;
            });
        }

        await using WebApplication app = builder.Build();
        app.MapWeirCentrifugo("/connection", "/emulation", PushAll);
        app.MapWeirSse("/sse", options => Push(options, isGreatest));
        await app.StartAsync().Within(Bounded.StartLimit);
        await WorksAsync(app, isGreatest ? null : 1009); // a message of more bytes than one is too big

        void PushAll(WeirOptions options)
        {
            Push(options, isGreatest);
            Push(options.Heartbeat, isGreatest);
            Push(options.Inbound, isGreatest);
            Push(options.Pressure, isGreatest);
            Push(options.Deflate, isGreatest);
        }
    }

    // The values between which a setter's bounds lie, least first.
    private static IEnumerable<object> CandidatesOf(Type type) => type == typeof(TimeSpan)
        ? ((object[])[TimeSpan.Zero, TimeSpan.FromTicks(1), TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(200),
            TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1),
            TimeSpan.FromHours(1), TimeSpan.FromDays(1), TimeSpan.FromDays(24), TimeSpan.FromDays(50), TimeSpan.FromDays(3650),
                TimeSpan.MaxValue])
        : type == typeof(int) ? [0, 1, 9, 15, 256, 1024, int.MaxValue] : [0L, 1L, int.MaxValue + 1L, long.MaxValue];

    private static void Push(object options, bool isGreatest)
    {
        foreach (PropertyInfo property in PropertiesOf(options.GetType()))
        {
            IEnumerable<object> candidates = CandidatesOf(property.PropertyType);
            Assert.Contains(isGreatest ? candidates.Reverse() : candidates, value => IsTaken(property, options, value));
        }
    }

    private static bool IsTaken(PropertyInfo property, object options, object value)
    {
        try
        {
            property.SetValue(options, value);
            return true;
        }
        catch (TargetInvocationException error) when (error.InnerException is ArgumentOutOfRangeException)
        {
            return false;
        }
    }

    private static IEnumerable<PropertyInfo> PropertiesOf(Type type) => type.GetProperties()
        .Where(static property => property.CanWrite && (property.PropertyType == typeof(TimeSpan) || property.PropertyType == typeof(int)
            || property.PropertyType == typeof(long)));

    private static IEnumerable<(string Type, string Option)> OptionsOf(IEnumerable<Type> types)
        => types.SelectMany(static type => PropertiesOf(type).Select(property => (type.Name, property.Name)));

    private static async Task TryAllAsync(string key, string[] values)
    {
        foreach (string value in values)
        {
            if (ComplaintsAbout((key, value)) is { } complaints)
            {
                Assert.Contains($"{key} is '{value}'; allowed is ", complaints, StringComparison.Ordinal);
                continue;
            }

            await WorkAsync(key, value);
        }
    }

    private static async Task WorkAsync(string key, string value)
    {
        WebApplicationBuilder builder = WeirApplication.CreateBuilder(
            ["--urls=http://127.0.0.1:0", "--Weir:WarmUp=false", "--Weir:Rooms:0:Pattern=*", "--Weir:Rooms:0:HistorySize=10",
                $"--{key}={value}",
             .. NeedsKeys(key) ? (string[])[$"--{SecretKey}={Secret}", "--Weir:Auth:AllowAnonymous=true", "--Weir:Rooms:0:Access=Open"]
                 : []]);
        builder.Logging.ClearProviders();
        WebApplication app = WeirApplication.Build(builder);
        await using (app)
        {
            await app.StartAsync().Within(Bounded.StartLimit);
            await WorksAsync(app, refusal: null);
        }
    }

    // refusal: the close code that answers the first message; null: none does.
    private static async Task WorksAsync(WebApplication app, int? refusal)
    {
        using ClientWebSocket client = await WebSockets.ConnectAsync(
            new Uri(app.Urls.Single().Replace("http", "ws", StringComparison.Ordinal) + "/connection/websocket"));
        await client.SendAsync("""{"id":1,"connect":{}}""");
        if (refusal is { } code)
        {
            Assert.Equal(WebSocketMessageType.Close, (await client.ReceiveAsync()).Type);
            Assert.Equal(code, (int)client.CloseStatus!);
            return;
        }

        Assert.Contains("\"connect\":{", await client.ReceiveTextAsync(), StringComparison.Ordinal);
        await client.SendAsync("""{"id":2,"subscribe":{"channel":"a"}}""");
        Assert.Contains("\"subscribe\":{", await client.ReceiveTextAsync(), StringComparison.Ordinal);
        await client.SendAsync("""{"id":3,"publish":{"channel":"a","data":1}}""");
        Assert.Contains("\"publish\":{", await client.ReceiveTextAsync(), StringComparison.Ordinal);
        Assert.Contains("\"data\":1", await client.ReceiveTextAsync(), StringComparison.Ordinal);
    }

    private static bool NeedsKeys(string key) => key.StartsWith("Weir:Auth:", StringComparison.Ordinal);

    // All keys that are read as one kind, found by the error for an invalid value.
    private static IEnumerable<string> Settings(string kind)
    {
        // Those of lists are read for the entries that there are: an entry of another list than this would need more settings.
        SettingsReader reader = new(
            new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["Weir:Rooms:0:Pattern"] = "*" }).Build());
        HostFeatures.Read(reader);
        return reader.KeysRead.Where(key => ComplaintsAbout((key, "nonsense")) is { } complaints
            && SettingOfKind().Match(complaints) is { Success: true } match && match.Groups[1].Value == kind);
    }

    private static string? ComplaintsAbout((string Key, string Value) setting)
    {
        Dictionary<string, string?> values = new() { ["Weir:Rooms:0:Pattern"] = "*", [setting.Key] = setting.Value };
        if (NeedsKeys(setting.Key))
        {
            values[SecretKey] = Secret;
        }

        try
        {
            HostFeatures.Read(new ConfigurationBuilder().AddInMemoryCollection(values).Build());
            return null;
        }
        catch (SettingsException error)
        {
            return error.Message;
        }
    }

    [GeneratedRegex("is 'nonsense'; allowed is (a time|a whole number) from")]
    private static partial Regex SettingOfKind();
}
