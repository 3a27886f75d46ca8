#!/usr/bin/env bash
# librdkafka's mock cluster does not check the sequence numbers of an idempotent producer: a record is reported as stored that is nowhere.
#
# Library: Confluent.Kafka 2.16.0 with librdkafka 2.16.0 (its functions rd_kafka_mock_*), .NET 10.
# What one would guess: a mock cluster that answers InitProducerId, and that tests of idempotence are written for, refuses a batch whose
#   sequence number is not the next one, as Kafka does, and repeats are stored once.
# What happens: it checks sequence numbers of transactional producers only. If it refuses two requests in a row with an error that passes,
#   it takes the batches behind them, which Kafka would refuse as out of order. The producer gets an acknowledgement for a later batch,
#   takes that for proof that an earlier one has been stored, and reports it as a success without an offset. So such a test can show a
#   loss that Kafka does not have, and cannot show that repeats are stored once. With max.in.flight.requests.per.connection=1 nothing is lost.
# Input: 100 records to one partition of a cluster on loopback, two injected errors NOT_LEADER_OR_FOLLOWER; ends within two minutes.
# Output seen:
#   up to five requests in flight: 100 of 100 reported as stored, 99 in the partition, missing: 0 (without an offset)
#   one request in flight: 100 of 100 reported as stored, 100 in the partition
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

cat > finding.csproj <<'PROJECT'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Confluent.Kafka" Version="2.16.0" />
  </ItemGroup>
</Project>
PROJECT
cat > Program.cs <<'CODE'
using System.Runtime.InteropServices;
using Confluent.Kafka;

Console.WriteLine($"Confluent.Kafka {typeof(Library).Assembly.GetName().Version}, librdkafka {Library.VersionString}");
// The package has several builds of the library; the client has loaded the one that fits.
string path = File.ReadLines("/proc/self/maps").Select(line => line[(line.LastIndexOf(' ') + 1)..]).First(each => each.EndsWith("librdkafka.so"));
NativeLibrary.SetDllImportResolver(typeof(Mock).Assembly, (name, _, _) => name == "librdkafka" ? NativeLibrary.Load(path) : 0);

bool isLost = false;
for (int round = 0; round < 5 && !isLost; round++)
{
    isLost = await RunAsync(5);
}

bool isLostAlone = await RunAsync(1);
Console.WriteLine(isLost && !isLostAlone
    ? "HOLDS: the mock cluster takes batches out of order, and a record is reported as stored that is not"
    : "CHANGED: every record that was reported as stored is in the partition, or one is missing with one request in flight too");
return isLost && !isLostAlone ? 0 : 1;

static async Task<bool> RunAsync(int inFlight)
{
    nint client = Mock.rd_kafka_new(0, 0, 0, 0);
    nint cluster = Mock.rd_kafka_mock_cluster_new(client, 1);
    string servers = Marshal.PtrToStringUTF8(Mock.rd_kafka_mock_cluster_bootstraps(cluster))!;
    Mock.rd_kafka_mock_topic_create(cluster, "topic", 1, 1);
    using IProducer<Null, int> producer = new ProducerBuilder<Null, int>(
        new ProducerConfig { BootstrapServers = servers, EnableIdempotence = true, LingerMs = 0, MaxInFlight = inFlight }).Build();
    TopicPartition partition = new("topic", 0);
    await producer.ProduceAsync(partition, new() { Value = -1 });

    Mock.rd_kafka_mock_push_request_errors_array(cluster, 0, 2, [6, 6]);
    List<Task<DeliveryResult<Null, int>>> sent = [];
    for (int i = 0; i < 100; i++)
    {
        Thread.Sleep(i < 20 ? 1 : 0); // several requests, not one with all
        sent.Add(producer.ProduceAsync(partition, new() { Value = i }));
    }

    DeliveryResult<Null, int>[] stored = await Task.WhenAll(sent);
    using IConsumer<Ignore, int> consumer = new ConsumerBuilder<Ignore, int>(
        new ConsumerConfig { BootstrapServers = servers, GroupId = "group", FetchWaitMaxMs = 10 }).Build();
    consumer.Assign(new TopicPartitionOffset(partition, 1));
    HashSet<int> found = [];
    while (consumer.Consume(TimeSpan.FromSeconds(3)) is { } record)
    {
        found.Add(record.Message.Value);
    }

    string missing = string.Join(", ", stored.Where(each => !found.Contains(each.Message.Value))
        .Select(each => $"{each.Message.Value} ({(each.Offset.IsSpecial ? "without an offset" : $"offset {each.Offset}")})"));
    Console.WriteLine($"{(inFlight > 1 ? "up to five requests" : "one request")} in flight: {stored.Count(each => each.Status == PersistenceStatus.Persisted)} of 100 "
        + $"reported as stored, {found.Count} in the partition{(missing.Length > 0 ? $", missing: {missing}" : "")}");
    producer.Dispose();
    consumer.Dispose();
    Mock.rd_kafka_mock_cluster_destroy(cluster);
    Mock.rd_kafka_destroy(client);
    return missing.Length > 0;
}

static class Mock
{
    [DllImport("librdkafka")] public static extern nint rd_kafka_new(int kind, nint configuration, nint error, nuint size);
    [DllImport("librdkafka")] public static extern void rd_kafka_destroy(nint client);
    [DllImport("librdkafka")] public static extern nint rd_kafka_mock_cluster_new(nint client, int brokers);
    [DllImport("librdkafka")] public static extern void rd_kafka_mock_cluster_destroy(nint cluster);
    [DllImport("librdkafka")] public static extern nint rd_kafka_mock_cluster_bootstraps(nint cluster);
    [DllImport("librdkafka")] public static extern int rd_kafka_mock_topic_create(nint cluster, string topic, int partitions, int replicas);
    [DllImport("librdkafka")] public static extern void rd_kafka_mock_push_request_errors_array(nint cluster, short request, nuint count, int[] errors);
}
CODE
dotnet build -c Release -v quiet > build.log 2>&1 || { cat build.log; exit 2; }
timeout 100 dotnet bin/Release/net10.0/finding.dll 2> /dev/null || exit $?
