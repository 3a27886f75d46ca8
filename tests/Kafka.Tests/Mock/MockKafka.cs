using System.Globalization;
using System.Runtime.InteropServices;
using Confluent.Kafka;

namespace Weir.Brokers.Kafka.Tests.Mock;

/// <summary>A Kafka of some brokers on loopback, in this process, whose faults a test makes. Thread-safe.</summary>
internal sealed class MockKafka : IDisposable
{
    /// <summary>The key of Kafka's request Produce.</summary>
    public const short ProduceRequest = 0;

    /// <summary>The key of Kafka's request Fetch.</summary>
    public const short FetchRequest = 1;

    private const int ProducerKind = 0;

    private readonly IntPtr _client;
    private readonly IntPtr _cluster;
    private readonly int _brokers;

    public MockKafka(int brokers = 1)
    {
        _brokers = brokers;
        _client = NativeMock.NewClient(ProducerKind, IntPtr.Zero, IntPtr.Zero, 0);
        _cluster = NativeMock.NewCluster(_client, brokers);
        BootstrapServers = Marshal.PtrToStringUTF8(NativeMock.Bootstraps(_cluster))!;
    }

    public string BootstrapServers { get; }

    /// <summary>The port of the only broker.</summary>
    public int Port => int.Parse(BootstrapServers[(BootstrapServers.LastIndexOf(':') + 1)..], CultureInfo.InvariantCulture);

    /// <summary>Creates a topic, with one replica for each broker up to three.</summary>
    public string Create(string? topic = null, int partitions = 4)
    {
        topic ??= "weir-" + Guid.NewGuid().ToString("N");
        Check(NativeMock.CreateTopic(_cluster, topic, partitions, Math.Min(_brokers, 3)));
        return topic;
    }

    /// <summary>Deletes a topic and creates one of its name, before a producer's request for metadata creates it.</summary>
    public void CreateAnew(string topic, int partitions)
    {
        do
        {
            Check(NativeMock.DeleteTopic(_cluster, topic));
        }
        while (NativeMock.CreateTopic(_cluster, topic, partitions, Math.Min(_brokers, 3)) == (int)ErrorCode.TopicAlreadyExists);
    }

    public void SetDown(int broker = 1) => Check(NativeMock.SetDown(_cluster, broker));

    public void SetUp(int broker = 1) => Check(NativeMock.SetUp(_cluster, broker));

    /// <summary>Delays every reply of a broker.</summary>
    public void SetRoundTrip(TimeSpan time, int broker = 1)
        => Check(NativeMock.SetRoundTrip(_cluster, broker, (int)time.TotalMilliseconds));

    /// <summary>Makes a broker give this port as its address, where a proxy listens.</summary>
    public void SetPort(int port, int broker = 1) => NativeMock.SetAddress(_cluster, broker, "127.0.0.1", port);

    public void SetLeader(string topic, int partition, int broker) => Check(NativeMock.SetLeader(_cluster, topic, partition, broker));

    /// <summary>Removes the records before an offset, as retention does.</summary>
    public void DeleteRecords(string topic, int partition, long before)
        => Check(NativeMock.DeleteRecords(_cluster, topic, partition, before));

    /// <summary>Answers the next requests of a kind with these errors.</summary>
    public void Fail(short request, params ErrorCode[] errors)
        => NativeMock.PushErrors(_cluster, request, (nuint)errors.Length, [.. errors.Select(static each => (int)each)]);

    /// <summary>Answers requests about a topic with an error, until it is <see cref="ErrorCode.NoError"/>.</summary>
    public void SetTopicError(string topic, ErrorCode error) => NativeMock.SetTopicError(_cluster, topic, (int)error);

    public void FailNoMore(short request) => NativeMock.ClearErrors(_cluster, request);

    public void Dispose()
    {
        NativeMock.DestroyCluster(_cluster);
        NativeMock.DestroyClient(_client);
    }

    private static void Check(int error)
    {
        if (error != 0)
        {
            throw new InvalidOperationException($"The mock cluster refuses: {(ErrorCode)error}.");
        }
    }
}
