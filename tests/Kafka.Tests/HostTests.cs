using System.Globalization;
using System.Text;
using Confluent.Kafka;
using Weir.Brokers.Kafka.Tests.Mock;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Brokers.Kafka.Tests;

/// <summary>The Host as its operator runs it, on a cluster in this process.</summary>
public sealed class HostTests(SharedKafka shared)
{
    [Fact]
    public async Task TwoHosts_OnOneTopic_ShareTheirRooms()
    {
        string topic = shared.Kafka.Create();
        await using HostProcess one = await StartAsync(shared.Kafka, topic);
        await using HostProcess two = await StartAsync(shared.Kafka, topic);
        using RawClient ann = await one.OpenAsync("/ws?room=chat");
        using RawClient bob = await two.OpenAsync("/ws?room=chat");
        using RawClient other = await two.OpenAsync("/ws?room=other");

        for (int i = 0; i < 50; i++)
        {
            await ann.SendTextAsync(i.ToString(CultureInfo.InvariantCulture));
            Assert.Equal(i.ToString(CultureInfo.InvariantCulture), await ReadTextAsync(bob));
        }

        await bob.SendTextAsync("from bob"); // its own does not return to it
        Assert.Equal("from bob", await ReadTextAsync(ann));
        await ann.SendTextAsync("last");
        Assert.Equal("last", await ReadTextAsync(bob));
        Assert.Empty(one.Warnings);
        Assert.Empty(two.Warnings);
    }

    [Fact]
    public async Task TwoHosts_WithHistoryInRedis_AndPlainRoomsOnKafka_ShareBoth()
    {
        await using RedisServer redis = await RedisServer.StartAsync();
        string topic = shared.Kafka.Create();
        await using HostProcess one = await StartDividedAsync(redis, topic);
        await using HostProcess two = await StartDividedAsync(redis, topic);
        foreach (string room in (string[])["plain:1", "kept:1"])
        {
            using RawClient ann = await one.OpenAsync("/ws?room=" + room);
            using RawClient bob = await two.OpenAsync("/ws?room=" + room);
            await ann.SendTextAsync("to " + room);
            Assert.Equal("to " + room, await ReadTextAsync(bob));
            string subscribers = await redis.AskAsync(
                $"EVAL \"return redis.call('PUBSUB', 'NUMSUB', ARGV[1])[2]\" 0 weir:{{room:{room}}}");
            Assert.Equal(room == "plain:1" ? ":0" : ":2", subscribers.TrimEnd());
        }

        Assert.Equal(":1", (await redis.AskAsync("EXISTS weir:{room:kept:1}:stream")).TrimEnd());
        Assert.Empty(one.Warnings);
        Assert.Empty(two.Warnings);
    }

    [Fact]
    public async Task BrokerOfASingleNode_ForSomeRooms_EndsTheStart_ByTheNameOfTheSetting()
    {
        (int exitCode, _, string errors) = await HostProcess.RunAsync(
            ["--urls", "http://127.0.0.1:0"], ("Weir__Broker__Kind", "Redis"), ("Weir__Rooms__0__Pattern", "news:*"),
            ("Weir__Rooms__0__Broker", "Memory"));

        Assert.Equal(1, exitCode);
        Assert.Contains("Weir:Rooms:0:Broker is 'Memory'", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Host_WhoseKafkaIsDown_ServesItsOwnMembers_AndReportsDegraded()
    {
        using MockKafka kafka = new();
        string topic = kafka.Create();
        await using HostProcess host = await StartAsync(kafka, topic);
        using RawClient ann = await host.OpenAsync("/ws?room=chat");
        using RawClient bob = await host.OpenAsync("/ws?room=chat");

        kafka.SetDown();
        await host.MetricBecomesAsync("weir_relay_broker_up", static value => value == 0);
        await ann.SendTextAsync("without Kafka");
        Assert.Equal("without Kafka", await ReadTextAsync(bob));
        kafka.SetUp();
        await host.MetricBecomesAsync("weir_relay_broker_up", static value => value == 1);
        await ann.SendTextAsync("with Kafka");
        Assert.Equal("with Kafka", await ReadTextAsync(bob));

        Assert.Equal("warn: Weir.Brokers.Kafka[841]", Assert.Single(host.Warnings));
    }

    [Fact]
    public async Task History_OnKafka_EndsTheStart_ByTheNameOfTheSetting()
    {
        (int exitCode, _, string errors) = await HostProcess.RunAsync(
            ["--urls", "http://127.0.0.1:0"], ("Weir__Broker__Kind", "Kafka"), ("Weir__Rooms__0__Pattern", "news:*"),
            ("Weir__Rooms__0__HistorySize", "100"));

        Assert.Equal(1, exitCode);
        Assert.Contains("Weir:Rooms:0:HistorySize is '100'; allowed is 0 with the broker Kafka", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Property_ThatCannotBeHonoured_EndsTheStart_WithoutItsValue()
    {
        (int exitCode, _, string errors) = await HostProcess.RunAsync(
            ["--urls", "http://127.0.0.1:0"], ("Weir__Broker__Kind", "Kafka"), ("Weir__Kafka__Client__sasl_passwort", "hunter2"));

        Assert.Equal(1, exitCode);
        Assert.Contains("sasl.passwort", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Source_OfTwoHosts_FeedsTheirRooms()
    {
        string topic = shared.Kafka.Create();
        string records = shared.Kafka.Create();
        string rejected = shared.Kafka.Create();
        (string, string)[] source =
        [
            ("Weir__Sources__Kafka__0__BootstrapServers", shared.Kafka.BootstrapServers), ("Weir__Sources__Kafka__0__Topic", records),
            ("Weir__Sources__Kafka__0__DeadLetterTopic", rejected), ("Weir__Sources__Kafka__0__Prefix", "orders:"),
            ("Weir__Sources__Kafka__0__Group", records), ("Weir__Sources__Kafka__0__Client__fetch_wait_max_ms", "5"),
        ];
        await using HostProcess one = await StartAsync(shared.Kafka, topic, source);
        await using HostProcess two = await StartAsync(shared.Kafka, topic, source);
        using RawClient ann = await one.OpenAsync("/ws?room=orders:7");
        using RawClient bob = await two.OpenAsync("/ws?room=orders:7");
        using IProducer<string, string> producer = new ProducerBuilder<string, string>(
            new ProducerConfig { BootstrapServers = shared.Kafka.BootstrapServers }).Build();

        await producer.ProduceAsync(records, new Message<string, string> { Key = "7", Value = "shipped" }).Within();

        Assert.Equal("shipped", await ReadTextAsync(ann));
        Assert.Equal("shipped", await ReadTextAsync(bob));
    }

    private static Task<HostProcess> StartAsync(MockKafka kafka, string topic, params (string, string)[] more) => HostProcess.StartAsync(
    [
        ("Weir__Broker__Kind", "Kafka"),
        ("Weir__Kafka__BootstrapServers", kafka.BootstrapServers),
        ("Weir__Kafka__Topic", topic),
        ("Weir__Kafka__ProbeInterval", "200ms"),
        ("Weir__Kafka__Client__fetch_wait_max_ms", "5"),
        .. more,
    ]);

    private Task<HostProcess> StartDividedAsync(RedisServer redis, string topic) => HostProcess.StartAsync(
        ("Weir__Broker__Kind", "Redis"),
        ("Weir__Redis__Configuration", redis.Address),
        ("Weir__Rooms__0__Pattern", "plain:*"),
        ("Weir__Rooms__0__Broker", "Kafka"),
        ("Weir__Rooms__1__Pattern", "*"),
        ("Weir__Rooms__1__HistorySize", "100"),
        ("Weir__Kafka__BootstrapServers", shared.Kafka.BootstrapServers),
        ("Weir__Kafka__Topic", topic),
        ("Weir__Kafka__Client__fetch_wait_max_ms", "5"));

    private static async Task<string> ReadTextAsync(RawClient client) => Encoding.UTF8.GetString((await client.ReadFrameAsync()).Payload);
}
