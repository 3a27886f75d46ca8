using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Brokers.Nats.Tests;

/// <summary>What every broker must do, done by a single nats-server.</summary>
public sealed class NatsBrokerContractTests(SharedNats nats) : BrokerContract
{
    public static TheoryData<string> Cases => [.. CaseNames];

    [Theory]
    [MemberData(nameof(Cases))]
    public Task Contract(string name) => RunAsync(name);

    protected override ValueTask<IBroker> CreateAsync() => new(new NatsBroker(new NatsOptions { Url = nats.Server.Url }));

    // The server's clock is this machine's.
    protected override Task PassAsync(TimeSpan time) => Waiting.PassAsync(time);
}
