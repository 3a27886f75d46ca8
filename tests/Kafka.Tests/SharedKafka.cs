using Weir.Brokers.Kafka.Tests;
using Weir.Brokers.Kafka.Tests.Mock;
using Xunit;

[assembly: AssemblyFixture(typeof(SharedKafka))]

namespace Weir.Brokers.Kafka.Tests;

/// <summary>One Kafka for the tests that do it no harm: each has a topic, or rooms, of its own.</summary>
public sealed class SharedKafka : IDisposable
{
    internal MockKafka Kafka { get; } = new();

    public void Dispose() => Kafka.Dispose();
}
