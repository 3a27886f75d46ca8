using Microsoft.Extensions.Time.Testing;
using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Xunit;

namespace Weir.Relay.Tests.Brokers;

public sealed class RoutingBrokerContractTests : BrokerContract
{
    private readonly FakeTimeProvider _time = new();

    public static TheoryData<string> Cases => [.. CaseNames];

    [Theory]
    [MemberData(nameof(Cases))]
    public Task Contract(string name) => RunAsync(name);

    protected override ValueTask<IBroker> CreateAsync() => new(new RoutingBroker(
        new MemoryBroker(time: _time),
        new Dictionary<string, IBroker> { ["other"] = new MemoryBroker(time: _time) },
        new RoomRules(new RoomRule { Pattern = "other:*", Broker = "other" })));

    protected override Task PassAsync(TimeSpan time)
    {
        _time.Advance(time);
        return Task.CompletedTask;
    }
}
