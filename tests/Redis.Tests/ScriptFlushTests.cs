using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Weir.Testing;
using Xunit;

namespace Weir.Brokers.Redis.Tests;

/// <summary>Redis loses its scripts while publishes are in flight.</summary>
public sealed class ScriptFlushTests(SharedRedis redis)
{
    private const int Messages = 400;

    [Theory]
    [InlineData(false)]
    [InlineData(true)] // another node sends the script again at some moment between two publishes of this one
    public async Task PublishesInFlight_KeepTheOrderOfTheirCalls(bool hasAnotherNode)
    {
        await using Node one = await StartAsync();
        await using Node two = await StartAsync();
        using CancellationTokenSource end = new();
        Task others = hasAnotherNode ? Task.Run(() => PublishAsync(two, end.Token)) : Task.CompletedTask;
        for (int round = 0; round < 20; round++)
        {
            string room = "flush:" + Guid.NewGuid().ToString("N");
            List<Task<StreamPosition>> calls = [];
            for (int i = 0; i < Messages; i++)
            {
                if (i % 100 == 50)
                {
                    await redis.Server.AskAsync("SCRIPT FLUSH");
                }

                calls.Add(one.Broker.PublishAsync(room, $"{i}".ToPublication(one.Sink.NodeId, i + 1), Node.Kept, default).AsTask());
            }

            long last = 0;
            int refused = 0;
            foreach (Task<StreamPosition> call in calls)
            {
                try
                {
                    long offset = (await call.Within()).Offset;
                    Assert.True(offset > last, $"{offset} after {last}");
                    last = offset;
                }
                catch (BrokerUnavailableException error)
                {
                    Assert.False(error.IsUnknown);
                    refused++;
                }
            }

            Assert.Equal(Messages - refused, last);
            Assert.True(hasAnotherNode || refused == 0, $"{refused} were refused");
        }

        await end.CancelAsync();
        await others.Within();
    }

    [Fact]
    public async Task FirstPublishes_OfSeveralNodes_OnAServerWithoutTheScript_AreAllDone()
    {
        for (int round = 0; round < 10; round++)
        {
            await using Node one = await StartAsync();
            await using Node two = await StartAsync();
            string room = "first:" + Guid.NewGuid().ToString("N");
            await redis.Server.AskAsync("SCRIPT FLUSH");

            Task<StreamPosition>[] calls =
            [
                .. Enumerable.Range(1, Messages).Select(i => (i % 2 == 0 ? one : two).Broker
                    .PublishAsync(room, $"{i}".ToPublication(one.Sink.NodeId, i), Node.Kept, default).AsTask()),
            ];

            await Task.WhenAll(calls).Within();
        }
    }

    private Task<Node> StartAsync() => Node.StartAsync(redis.Server.Address, static options =>
        options.RequestTimeout = options.ProbeTimeout = options.ConnectTimeout = TimeSpan.FromSeconds(30));

    private static async Task PublishAsync(Node node, CancellationToken end)
    {
        string room = "flush:" + Guid.NewGuid().ToString("N");
        while (!end.IsCancellationRequested)
        {
            await node.Broker.PublishAsync(room, "other".ToPublication(node.Sink.NodeId, 1), Node.Kept, CancellationToken.None);
        }
    }
}
