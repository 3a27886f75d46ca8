using Weir.Relay.Brokers;
using Weir.Relay.Tests.Brokers;
using Weir.TestSupport.Servers;

namespace Weir.Brokers.Redis.Tests;

/// <summary>What every broker must do, done by a stand-alone Redis.</summary>
public sealed class RedisBrokerContractTests(SharedRedis redis) : BrokerContract
{
    protected override ValueTask<IBroker> CreateAsync()
        => new(new RedisBroker(new RedisOptions { Configuration = redis.Server.Address }));

    protected override Task PassAsync(TimeSpan time) => Waiting.PassAsync(redis.Server, time);
}
