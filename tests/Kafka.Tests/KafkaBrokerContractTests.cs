using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Brokers.Kafka.Tests;

/// <summary>What every broker must do, done by Kafka, as far as it is not about history.</summary>
public sealed class KafkaBrokerContractTests(SharedKafka shared) : BrokerContract
{
    private readonly string _topic = shared.Kafka.Create();

    public static TheoryData<string> Cases => [.. CaseNamesWithoutHistory];

    [Theory]
    [MemberData(nameof(Cases))]
    public Task Contract(string name) => RunAsync(name);

    protected override ValueTask<IBroker> CreateAsync()
        => new(new KafkaBroker(Node.OptionsFor(shared.Kafka.BootstrapServers, _topic)));

    protected override Task PassAsync(TimeSpan time) => Waiting.PassAsync(time);
}
