using Weir.Brokers.Nats.Tests;
using Weir.TestSupport.Servers;
using Xunit;

[assembly: AssemblyFixture(typeof(SharedNats))]

namespace Weir.Brokers.Nats.Tests;

/// <summary>One nats-server for the tests that do it no harm: each has rooms of its own.</summary>
public sealed class SharedNats : IAsyncLifetime
{
    private NatsServer? _server;

    internal NatsServer Server => _server!;

    public async ValueTask InitializeAsync() => _server = await NatsServer.StartAsync();

    public ValueTask DisposeAsync() => _server!.DisposeAsync();
}
