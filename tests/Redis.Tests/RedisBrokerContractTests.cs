using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Brokers.Redis.Tests;

/// <summary>What every broker must do, done by a stand-alone Redis.</summary>
public sealed class RedisBrokerContractTests(SharedRedis redis) : BrokerContract
{
    public static TheoryData<string> Cases => [.. CaseNames];

    [Theory]
    [MemberData(nameof(Cases))]
    public Task Contract(string name) => RunAsync(name);

    protected override ValueTask<IBroker> CreateAsync()
        => new(new RedisBroker(new RedisOptions { Configuration = redis.Server.Address }));

    protected override Task PassAsync(TimeSpan time) => Waiting.PassAsync(redis.Server, time);
}
