using Microsoft.Extensions.Time.Testing;
using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Xunit;

namespace Weir.Extensions.Tests.Brokers;

/// <summary>What every broker must do, done by the one of the guide.</summary>
public sealed class SharedMemoryBrokerTests : BrokerContract
{
    private readonly FakeTimeProvider _time = new();
    private readonly SharedMemory _memory;

    public SharedMemoryBrokerTests() => _memory = new SharedMemory(_time);

    // begin: contract
    public static TheoryData<string> Cases => [.. CaseNames];

    [Theory]
    [MemberData(nameof(Cases))]
    public Task Contract(string name) => RunAsync(name);

    protected override ValueTask<IBroker> CreateAsync() => new(new SharedMemoryBroker(_memory));

    protected override Task PassAsync(TimeSpan time)
    {
        _time.Advance(time);
        return Task.CompletedTask;
    }
    // end
}
