using Weir.Relay.Brokers;
using Weir.Testing;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Brokers.Redis.Tests;

/// <summary>Several systems on one Redis are kept apart, or their configuration is refused.</summary>
public sealed class SeparationTests(SharedRedis redis)
{
    private readonly string _room = "apart:" + Guid.NewGuid().ToString("N");

    // Redis keeps keys per database, and channels for all of them.
    [Fact]
    public async Task Systems_InTwoDatabases_AreNotGivenEachOthersAnnouncements()
    {
        await using Node inZero = await Node.StartAsync(redis.Server.Address);
        await using Node inThree = await Node.StartAsync(redis.Server.Address + ",defaultDatabase=3");
        await using Node alsoInThree = await Node.StartAsync(redis.Server.Address + ",defaultDatabase=3");
        foreach (Node node in (Node[])[inZero, inThree, alsoInThree])
        {
            await node.SubscribeAsync(_room);
        }

        RoomMember member = new("c1", "u1", default, default);
        await inZero.PublishAsync(_room, "kept, zero");
        await inZero.PublishAsync(_room, "plain, zero", RoomRule.Default);
        await inZero.Broker.SetPresenceAsync(_room, member, TimeSpan.FromMinutes(1), CancellationToken.None).AsTask().Within();
        await inZero.Broker.SendControlAsync(null, new byte[] { 1 }, CancellationToken.None).AsTask().Within();
        await inThree.Broker.SendControlAsync(null, new byte[] { 2 }, CancellationToken.None).AsTask().Within();
        StreamPosition position = await inThree.PublishAsync(_room, "kept, three");
        await inThree.PublishAsync(_room, "plain, three", RoomRule.Default);

        Assert.Equal(1, position.Offset);
        await inZero.Sink.WaitForAsync(_room, 2);
        await inThree.Sink.WaitForAsync(_room, 2);
        await alsoInThree.Sink.WaitForAsync(_room, 2);
        Assert.Equal(["kept, zero", "plain, zero"], inZero.Sink.TextsOf(_room));
        Assert.Equal(["kept, three", "plain, three"], inThree.Sink.TextsOf(_room));
        Assert.Equal(["kept, three", "plain, three"], alsoInThree.Sink.TextsOf(_room));
        Assert.Empty(await inThree.Broker.ReadPresenceAsync(_room, CancellationToken.None).AsTask().Within());
        Assert.Single((await inThree.ReadAsync(_room)).Publications);
    }

    [Theory]
    [InlineData("channelPrefix=mine", "channelPrefix", "KeyPrefix")]
    [InlineData("proxy=Twemproxy", "proxy", "cannot be honoured")]
    [InlineData("proxy=Envoyproxy", "proxy", "cannot be honoured")]
    [InlineData("tunnel=http:127.0.0.1:3128", "tunnel", "cannot be honoured")]
    [InlineData("protocol=resp2", "protocol=resp2", "RESP3")]
    [InlineData("highIntegrity=true", "highIntegrity", "cannot be honoured")]
    [InlineData("$PUBLISH=SHOUT", "$PUBLISH", "cannot be honoured")]
    [InlineData("$CLUSTER=", "$CLUSTER", "cannot be honoured")]
    [InlineData("connectTimeout=5000", "connectTimeout", "ConnectTimeout sets it")]
    [InlineData("asyncTimeout=5000", "asyncTimeout", "RequestTimeout sets it")]
    [InlineData("syncTimeout=5000", "syncTimeout", "RequestTimeout")]
    [InlineData("connectRetry=9", "connectRetry", "as long as it takes")]
    [InlineData("nonsense=1", "nonsense", "")]
    public void Configuration_WithAnOptionThatCannotBeHonoured_IsRefusedByName(string option, string name, string why)
    {
        RedisOptions options = new() { Configuration = $"localhost:6379,password=not to be repeated,{option}" };

        ArgumentException refusal = Assert.ThrowsAny<ArgumentException>(options.Validate);

        Assert.Contains(name, refusal.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Contains(why, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("not to be repeated", refusal.Message, StringComparison.Ordinal);
    }

    // As Azure's portal gives it, and what else does no harm.
    [Theory]
    [InlineData("ssl=True,abortConnect=False")]
    [InlineData("name=shop,keepAlive=30,protocol=resp3,proxy=None,channelPrefix=,allowAdmin=false,defaultDatabase=15")]
    [InlineData("serviceName=mymaster,sentinelUser=u,sentinelPassword=p,user=u,resolveDns=true,tiebreaker=,configChannel=")]
    public void Configuration_ThatCanBeHonoured_IsTaken(string options)
        => new RedisOptions { Configuration = $"localhost:6379,password=x,{options}" }.Validate();

    [Fact]
    public async Task Cluster_WithAnotherDatabase_IsRefusedByName()
    {
        await using RedisCluster cluster = await RedisCluster.StartAsync(replicas: 0);
        await using Node node = Node.Start(cluster.Configuration + ",defaultDatabase=2");

        await Bounded.Eventually(() => node.Log.Of("RedisDatabaseRefused").Count == 1);
        await Bounded.Eventually(() => node.Log.Of("RedisTryFailed").Count >= 3);

        Assert.Equal(BrokerHealth.Degraded, node.Broker.Health);
        Assert.Contains("defaultDatabase=2", Assert.Single(node.Log.Of("RedisDatabaseRefused")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ClientName_OfTheConfiguration_IsThatOfAllConnections()
    {
        string name = "shop-" + Guid.NewGuid().ToString("N");
        await using Node node = await Node.StartAsync($"{redis.Server.Address},name={name}");

        string clients = await redis.Server.AskAsync("CLIENT LIST");

        Assert.Contains($"name={name} ", clients, StringComparison.Ordinal);
        Assert.Contains($"name={name}-subscriptions ", clients, StringComparison.Ordinal);
    }
}
