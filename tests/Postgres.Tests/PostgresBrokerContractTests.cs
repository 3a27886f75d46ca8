using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Brokers.Postgres.Tests;

/// <summary>The contract of every broker, with a real server.</summary>
public sealed class PostgresBrokerContractTests(SharedPostgres postgres) : BrokerContract
{
    public static TheoryData<string> Cases => [.. CaseNames];

    [Theory]
    [MemberData(nameof(Cases))]
    public Task Contract(string name) => RunAsync(name);

    protected override ValueTask<IBroker> CreateAsync()
        => new(new PostgresBroker(new PostgresOptions { ConnectionString = postgres.Server.ConnectionString }));

    protected override Task PassAsync(TimeSpan time) => Waiting.PassAsync(time);
}
