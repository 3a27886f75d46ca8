using Weir.Brokers.Redis.Tests;
using Weir.TestSupport.Servers;
using Xunit;

[assembly: AssemblyFixture(typeof(SharedRedis))]

namespace Weir.Brokers.Redis.Tests;

/// <summary>One redis-server for the tests that do it no harm: each has rooms of its own.</summary>
public sealed class SharedRedis : IAsyncLifetime
{
    private RedisServer? _server;

    internal RedisServer Server => _server!;

    public async ValueTask InitializeAsync() => _server = await RedisServer.StartAsync();

    public ValueTask DisposeAsync() => _server!.DisposeAsync();
}
