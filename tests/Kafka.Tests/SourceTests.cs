using System.Globalization;
using System.Text;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Weir.Brokers.Kafka.Tests.Mock;
using Weir.Brokers.Testing;
using Weir.Relay;
using Weir.Relay.Brokers;
using Weir.Relay.Nodes;
using Weir.Sources.Kafka;
using Weir.Testing;
using Xunit;

namespace Weir.Brokers.Kafka.Tests;

/// <summary>Topics that feed rooms. The broker of the rooms is one in memory, whose faults the tests make.</summary>
public sealed class SourceTests : IAsyncDisposable
{
    private static readonly RoomRules _kept = new([new RoomRule { Pattern = "*", HistorySize = 10_000 }]);
    private static readonly HistoryQuery _all = new(Since: null, Limit: -1);

    private readonly MockKafka _kafka = new();
    private readonly string _topic;
    private readonly string _rejected;
    private readonly IProducer<string?, byte[]> _producer;
    private readonly FaultyBroker _broker = new();
    private readonly RelayNode _relay;
    private readonly LogProbe _log = new(LogLevel.Debug);
    private readonly MetricProbe _metrics = new();
    private readonly List<KafkaSource> _sources = [];

    public SourceTests()
    {
        _topic = _kafka.Create(partitions: 2);
        _rejected = _kafka.Create(partitions: 1);
        _producer = new ProducerBuilder<string?, byte[]>(new ProducerConfig { BootstrapServers = _kafka.BootstrapServers }).Build();
        _relay = new RelayNode(_broker, options: new RelayOptions { Rules = _kept });
        _relay.StartAsync().GetAwaiter().GetResult();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (KafkaSource source in _sources)
        {
            await source.DisposeAsync();
        }

        await _relay.DisposeAsync();
        _producer.Dispose();
        _metrics.Dispose();
        _log.Dispose();
        _kafka.Dispose();
    }

    [Theory]
    [InlineData("key", "", "room:a")]
    [InlineData("header:room", "h:", "h:of header")]
    [InlineData("json:order.customer", "orders:", "orders:17")]
    public async Task Record_IsPublishedToTheRoomThatIsChosen_AndCommitted(string selector, string prefix, string room)
    {
        await StartAsync(options =>
        {
            options.Room = selector;
            options.Prefix = prefix;
        });

        await _producer.ProduceAsync(_topic, new Message<string?, byte[]>
        {
            Key = "room:a",
            Value = """{"order":{"customer":17}}"""u8.ToArray(),
            Headers = new Headers { { "room", "of header"u8.ToArray() } },
        });

        await Bounded.Eventually(() => Read(room).Count == 1);
        Assert.Equal("""{"order":{"customer":17}}""", Read(room)[0]);
        await Bounded.Eventually(() => Committed().Sum() == 1);
        Assert.Equal(1, _metrics.Sum("weir.source.records", ("weir.result", "published"), ("weir.source", _topic)));
    }

    [Fact]
    public async Task BrokerUnavailable_NothingIsCommitted_AndAllIsPublishedOnceInOrderAfterwards()
    {
        await StartAsync();
        await ProduceAsync("a", 0, 10);
        await Bounded.Eventually(() => Read("a").Count == 10 && Committed().Sum() == 10);

        _broker.IsDown = true;
        await ProduceAsync("a", 10, 40);
        await Bounded.Eventually(() => _broker.Refused > 3);
        Assert.Equal(10, Committed().Sum());
        _broker.IsDown = false;

        await Bounded.Eventually(() => Committed().Sum() == 50);
        Assert.Equal(Numbers(0, 50), Read("a"));
    }

    [Fact]
    public async Task Publish_WhoseOutcomeIsUnknown_IsLookedUpInTheHistory_AndNotRepeated()
    {
        await StartAsync();
        _broker.Unknown = 5; // the broker takes them, and its replies are lost

        await ProduceAsync("a", 0, 20);

        await Bounded.Eventually(() => Committed().Sum() == 20);
        Assert.Equal(Numbers(0, 20), Read("a"));
        Assert.Equal(5, _metrics.Sum("weir.source.records", ("weir.result", "repeated"), ("weir.source", _topic)));
    }

    [Fact]
    public async Task Commit_ThatIsLost_AndAnotherNodeThatTakesOver_PublishesNothingTwice()
    {
        KafkaSource first = await StartAsync();
        await ProduceAsync("a", 0, 10);
        await Bounded.Eventually(() => Committed().Sum() == 10);
        _kafka.Fail(OffsetCommit, [.. Enumerable.Repeat(ErrorCode.OffsetMetadataTooLarge, 1000)]);
        await ProduceAsync("a", 10, 10);
        await Bounded.Eventually(() => Read("a").Count == 20);
        await first.StopAsync(default);
        Assert.Equal(10, Committed().Sum());
        _kafka.FailNoMore(OffsetCommit);

        await StartAsync();
        await ProduceAsync("a", 20, 10);

        await Bounded.Eventually(() => Committed().Sum() == 30);
        Assert.Equal(Numbers(0, 30), Read("a"));
        Assert.Equal(10, _metrics.Sum("weir.source.records", ("weir.result", "repeated"), ("weir.source", _topic)));
    }

    [Fact]
    public async Task NodesThatJoinAndLeave_PublishEachRecordOnce_AndEachRoomInOrder()
    {
        await StartAsync();
        using CancellationTokenSource end = new();
        Task<int> producing = ProduceUntilAsync(end.Token);

        for (int i = 0; i < 3; i++)
        {
            KafkaSource other = await StartAsync();
            int before = Read("room 0").Count;
            await Bounded.Eventually(() => Read("room 0").Count > before + 20);
            await other.StopAsync(default);
            before = Read("room 0").Count;
            await Bounded.Eventually(() => Read("room 0").Count > before + 20);
        }

        await end.CancelAsync();
        int count = await producing.Within();
        for (int room = 0; room < 4; room++)
        {
            await Bounded.Eventually(() => Read($"room {room}").Count >= count);
            Assert.Equal(Numbers(0, count), Read($"room {room}"));
        }
    }

    [Fact]
    public async Task Record_ThatCannotBePublished_GoesToTheDeadLetters_AndTheOthersContinue()
    {
        await StartAsync(static options => options.Room = "json:room");

        await ProduceValueAsync("""{"room":"a","n":1}"""u8.ToArray());
        await ProduceValueAsync("no JSON"u8.ToArray());
        await ProduceValueAsync([0xff]);
        await ProduceValueAsync("""{"room":["a"]}"""u8.ToArray());
        await ProduceValueAsync("""{"room":"$weir:nodes"}"""u8.ToArray());
        await ProduceValueAsync("""{"room":"a","n":2}"""u8.ToArray());

        await Bounded.Eventually(() => Committed().Sum() == 6);
        Assert.Equal(["""{"room":"a","n":1}""", """{"room":"a","n":2}"""], Read("a"));
        List<ConsumeResult<byte[], byte[]>> letters = ReadDeadLetters(4);
        Assert.Equal(
            ["It is not JSON.", "It is not UTF-8, and the source's kind is text.", "Its room is no text and no number.",
                "A room may not have this name: it is too long, or reserved."],
            letters.Select(static letter => Header(letter, "weir.reason")));
        Assert.Equal("no JSON"u8, letters[0].Message.Value);
        Assert.Equal((_topic, "0", "1"), (Header(letters[0], "weir.topic"), Header(letters[0], "weir.partition"), Header(letters[0], "weir.offset")));
        Assert.DoesNotContain(_log.Records, static record => record.Message.Contains("no JSON\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task DeadLetters_ThatCannotBeWritten_HoldUpTheCommit_AndRepeatNothing()
    {
        await StartAsync(static options => options.Room = "json:room");
        _kafka.SetTopicError(_rejected, ErrorCode.TopicAuthorizationFailed);
        await ProduceValueAsync("no JSON"u8.ToArray());
        await ProduceValueAsync("""{"room":"a","n":1}"""u8.ToArray());
        await Bounded.Eventually(() => _log.Of("SourceDeadLetterFailed").Count > 1, TimeSpan.FromMinutes(2));
        Assert.Equal(0, Committed().Sum());

        _kafka.SetTopicError(_rejected, ErrorCode.NoError);
        await Bounded.Eventually(() => Committed().Sum() == 2, TimeSpan.FromMinutes(2));
        Assert.Equal(["""{"room":"a","n":1}"""], Read("a"));
    }

    [Fact]
    public async Task Retention_BeyondTheCommit_IsReported()
    {
        KafkaSource first = await StartAsync();
        await ProduceValueAsync("0"u8.ToArray(), "a");
        await Bounded.Eventually(() => Committed()[0] == 1);
        await first.StopAsync(default);
        for (int i = 1; i < 6; i++)
        {
            await ProduceValueAsync(Encoding.UTF8.GetBytes($"{i}"), "a");
        }

        _kafka.DeleteRecords(_topic, 0, 4);
        await StartAsync();

        await Bounded.Eventually(() => Committed()[0] == 6);
        Assert.Equal(["0", "4", "5"], Read("a"));
        Assert.Single(_log.Of("SourceRecordsMissed"));
        Assert.Equal(1, _metrics.Sum("weir.source.kafka.gaps"));
    }

    [Theory]
    [InlineData("Topic")]
    [InlineData("DeadLetterTopic")]
    [InlineData("enable.auto.commit")]
    public void Options_ThatCannotBeHonoured_AreRefusedByName(string name)
    {
        KafkaSourceOptions options = new() { Topic = name == "Topic" ? "" : "t", DeadLetterTopic = name == "DeadLetterTopic" ? "" : "d" };
        if (name.Contains('.', StringComparison.Ordinal))
        {
            options.Client[name] = "true";
        }

        Assert.Contains(name, Assert.Throws<ArgumentException>(options.Validate).Message, StringComparison.Ordinal);
    }

    private const short OffsetCommit = 8;

    private async Task<KafkaSource> StartAsync(Action<KafkaSourceOptions>? configure = null)
    {
        KafkaSourceOptions options = new()
        {
            BootstrapServers = _kafka.BootstrapServers,
            Topic = _topic,
            DeadLetterTopic = _rejected,
            Group = "group-" + _topic,
        };
        options.Client["fetch.wait.max.ms"] = "5";
        options.Client["session.timeout.ms"] = "6000";
        options.Client["heartbeat.interval.ms"] = "200";
        configure?.Invoke(options);
        KafkaSource source = new(_relay, options, _log, time: null, _metrics);
        _sources.Add(source);
        int before = _log.Of("SourceAssigned").Count;
        await source.StartAsync(default);
        await Bounded.Eventually(() => _log.Of("SourceAssigned").Count > before);
        return source;
    }

    private async Task ProduceAsync(string key, int first, int count)
    {
        for (int i = first; i < first + count; i++)
        {
            await _producer.ProduceAsync(_topic, new Message<string?, byte[]> { Key = key, Value = Encoding.UTF8.GetBytes($"{i}") }).Within();
        }
    }

    private Task<DeliveryResult<string?, byte[]>> ProduceValueAsync(byte[] value, string? key = null)
        => _producer.ProduceAsync(new TopicPartition(_topic, 0), new Message<string?, byte[]> { Key = key, Value = value }).Within();

    private async Task<int> ProduceUntilAsync(CancellationToken end)
    {
        int count = 0;
        for (; !end.IsCancellationRequested; count++)
        {
            for (int room = 0; room < 4; room++)
            {
                await ProduceAsync($"room {room}", count, 1);
            }
        }

        return count;
    }

    private List<string> Read(string room)
        => [.. _broker.ReadHistoryAsync(room, _all, _kept.Of(room), default).AsTask().GetAwaiter().GetResult().Publications
            .Select(static publication => publication.Text())];

    private long[] Committed()
    {
        using IConsumer<Ignore, Ignore> consumer = new ConsumerBuilder<Ignore, Ignore>(
            new ConsumerConfig { BootstrapServers = _kafka.BootstrapServers, GroupId = "group-" + _topic }).Build();
        return [.. consumer.Committed([new(_topic, 0), new(_topic, 1)], TimeSpan.FromSeconds(10))
            .Select(static each => each.Offset.IsSpecial ? 0 : each.Offset.Value)];
    }

    private List<ConsumeResult<byte[], byte[]>> ReadDeadLetters(int count)
    {
        using IConsumer<byte[], byte[]> consumer = new ConsumerBuilder<byte[], byte[]>(
            new ConsumerConfig { BootstrapServers = _kafka.BootstrapServers, GroupId = "letters" }).Build();
        consumer.Assign(new TopicPartitionOffset(_rejected, 0, 0));
        return [.. Enumerable.Range(0, count).Select(_ => consumer.Consume(TimeSpan.FromSeconds(30)))];
    }

    private static string Header(ConsumeResult<byte[], byte[]> letter, string name)
        => Encoding.UTF8.GetString(letter.Message.Headers.GetLastBytes(name));

    private static IEnumerable<string> Numbers(int first, int count)
        => Enumerable.Range(first, count).Select(static i => i.ToString(CultureInfo.InvariantCulture));

    /// <summary>A broker in memory that can be unavailable, or lose its replies.</summary>
    private sealed class FaultyBroker : IBroker
    {
        private readonly MemoryBroker _inner = new();
        private int _unknown;
        private int _refused;

        public volatile bool IsDown;

        public int Unknown
        {
            set => Volatile.Write(ref _unknown, value);
        }

        public int Refused => Volatile.Read(ref _refused);

        public bool IsSingleNode => true;

        public BrokerHealth Health => _inner.Health;

        public Task StartAsync(IBrokerSink sink, CancellationToken cancellationToken) => _inner.StartAsync(sink, cancellationToken);

        public async ValueTask<StreamPosition> PublishAsync(
            string room, Publication publication, RoomRule rule, CancellationToken cancellationToken)
        {
            if (IsDown)
            {
                Interlocked.Increment(ref _refused);
                throw new BrokerUnavailableException("Down.", isUnknown: false);
            }

            StreamPosition position = await _inner.PublishAsync(room, publication, rule, cancellationToken);
            return Interlocked.Decrement(ref _unknown) >= 0 ? throw new BrokerUnavailableException("No reply.", isUnknown: true) : position;
        }

        public ValueTask SubscribeAsync(string room, CancellationToken cancellationToken) => _inner.SubscribeAsync(room, cancellationToken);

        public ValueTask UnsubscribeAsync(string room, CancellationToken cancellationToken)
            => _inner.UnsubscribeAsync(room, cancellationToken);

        public ValueTask<RoomHistory> ReadHistoryAsync(string room, HistoryQuery query, RoomRule rule, CancellationToken cancellationToken)
            => _inner.ReadHistoryAsync(room, query, rule, cancellationToken);

        public ValueTask RemoveHistoryAsync(string room, CancellationToken cancellationToken)
            => _inner.RemoveHistoryAsync(room, cancellationToken);

        public ValueTask SetPresenceAsync(string room, RoomMember member, TimeSpan lifetime, CancellationToken cancellationToken)
            => _inner.SetPresenceAsync(room, member, lifetime, cancellationToken);

        public ValueTask RemovePresenceAsync(string room, string client, CancellationToken cancellationToken)
            => _inner.RemovePresenceAsync(room, client, cancellationToken);

        public ValueTask<IReadOnlyList<RoomMember>> ReadPresenceAsync(string room, CancellationToken cancellationToken)
            => _inner.ReadPresenceAsync(room, cancellationToken);

        public ValueTask SendControlAsync(string? node, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
            => _inner.SendControlAsync(node, message, cancellationToken);

        public ValueTask DisposeAsync() => _inner.DisposeAsync();
    }
}
