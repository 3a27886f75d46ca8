using Weir.Connections;
using Weir.Core.Tests.Rooms;
using Weir.Diagnostics;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Diagnostics;

public sealed class TrafficCountersTests
{
    [Fact]
    public async Task Add_FromManyThreads_LosesNothing()
    {
        TrafficCounters counters = new();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (int i = 0; i < 100_000; i++)
            {
                counters.Add(1, 10);
            }
        }))).Within();

        Assert.Equal(800_000, counters.Messages);
        Assert.Equal(8_000_000, counters.Bytes);
    }

    [Fact]
    public void Sent_DirectlyAndThroughARoom_CountsPayloads()
    {
        using MetricProbe metrics = new();
        using RoomWorld world = new(metrics);
        WeirConnection connection = world.NewConnection();
        world.Rooms.Join("a", connection);
        world.Rooms.Join("a", world.NewConnection());

        connection.Send("1234567");
        world.Publish("a", "12345");
        world.Publish("a", new string('x', 1_000));

        Assert.Equal(1 + 4, metrics.Sum("weir.messages.sent"));
        Assert.Equal(7 + (2 * 5) + (2 * 1_000), metrics.Sum("weir.payload.sent"));
    }
}
