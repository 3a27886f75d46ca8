using System.Buffers;
using Weir.Core.Tests.Sending;
using Weir.Protocol;
using Weir.Rooms;
using Weir.Sending;
using Weir.TestSupport;
using Xunit;

namespace Weir.Core.Tests.Rooms;

public sealed class RoomAllocationTests
{
    private const int Members = 1_000;
    private const int Messages = 10_000;

    // Everything a publish does happens on the caller's thread (these transports take all at once), so the count is exact.
    // The arrays come from the shared pool, as in production: its cache for this thread and size holds the one in use.
    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    public void Publish_ToAThousandMembers_AllocatesNothing(int perPass)
    {
        using RoomWorld world = new(arrays: ArrayPool<byte>.Shared);
        long flushes = 0;
        ScriptedWriter writer = new();
        writer.OnFlush = () =>
        {
            flushes++;
            return default;
        };
        for (int i = 0; i < Members; i++)
        {
            world.Rooms.Join("a", world.NewConnection(writer));
        }

        ReadOnlySequence<byte> payload = new(SharedFramesTests.Payload(64));
        ConnectionSender owner = new(writer, RecordingOwner.Settings(SharedFramesPool.Shared), new RecordingOwner(), deflate: null);
        Assert.True(world.Rooms.TryGet("a", out Room? room));
        Run();

        Assert.Equal(0, Allocations.LeastOf(Run));

        Assert.Equal((long)Messages / perPass * Members, flushes);

        void Run()
        {
            flushes = 0;
            for (int i = 0; i < Messages; i += perPass)
            {
                SendScope? scope = perPass == 1 ? null : SendScope.Enter(owner);
                for (int j = 0; j < perPass; j++)
                {
                    room.Publish(payload, MessageKind.Binary);
                }

                scope?.Exit();
            }
        }
    }
}
