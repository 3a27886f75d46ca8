using System.Buffers;
using Weir.Closing;
using Weir.Connections;
using Weir.Diagnostics;
using Weir.Protocol;
using Weir.Rooms;
using Weir.Sending;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Rooms;

/// <summary>One message to several rooms: a connection in more than one of them is sent it once.</summary>
public sealed class SeveralRoomsTests : IDisposable
{
    private static readonly ReadOnlySequence<byte> _once = new("once"u8.ToArray());

    private readonly RoomWorld _world = new();

    private RoomDirectory Rooms => _world.Rooms;

    public void Dispose() => _world.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Publish_ToSeveralRooms_IsSentOnceToAConnectionInSeveral(bool insidePass)
    {
        (WeirConnection both, StallingPipeWriter receivedByBoth) = _world.NewMember("a");
        Rooms.Join("b", both);
        (_, StallingPipeWriter receivedByA) = _world.NewMember("a");
        (_, StallingPipeWriter receivedByB) = _world.NewMember("b");
        (WeirConnection publisher, StallingPipeWriter receivedByPublisher) = _world.NewMember("a");
        Rooms.Join("b", publisher);
        SendScope? scope = insidePass ? _world.EnterScope() : null;

        Rooms.Publish(["a", "b", "no such room"], _once, MessageKind.Text, except: publisher);
        Rooms.Publish(["b", "a"], _once, MessageKind.Text, except: publisher);
        scope?.Exit();

        Assert.Equal(["once", "once"], receivedByBoth.Texts());
        Assert.Equal(["once", "once"], receivedByA.Texts());
        Assert.Equal(["once", "once"], receivedByB.Texts());
        Assert.Empty(receivedByPublisher.Texts());
    }

    [Fact]
    public void Copy_InASecondRoom_IsSentToAConnectionThatJoinedTheFirstTooLate()
    {
        (_, StallingPipeWriter receivedByEarly) = _world.NewMember("a");
        (WeirConnection late, StallingPipeWriter receivedByLate) = _world.NewMember("b");
        MessageCopies copies = new();

        Assert.True(Rooms.TryGet("a", out Room? a));
        a.Publish(_once, MessageKind.Text, except: null, key: null, copies);
        Rooms.Join("a", late);
        Assert.True(Rooms.TryGet("b", out Room? b));
        b.Publish(_once, MessageKind.Text, except: null, key: null, copies);

        Assert.Equal(["once"], receivedByEarly.Texts());
        Assert.Equal(["once"], receivedByLate.Texts());
    }

    [Fact]
    public void Copies_InManyRoomsAtTheSameTime_ReachEachConnectionOnce()
    {
        const int RoomCount = 8;
        const int MessageCount = 200;
        string[] names = [.. Enumerable.Range(0, RoomCount).Select(static i => "r" + i)];
        List<StallingPipeWriter> output = [];
        for (int i = 0; i < 40; i++)
        {
            // The first are in every room, the others in fewer and fewer, each in at least one.
            (WeirConnection connection, StallingPipeWriter writer) = _world.NewMember(names[i % RoomCount]);
            Array.ForEach(names[..(RoomCount - (i / 5))], name => Rooms.Join(name, connection));
            output.Add(writer);
        }

        MessageCopies[] messages = [.. Enumerable.Range(0, MessageCount).Select(static _ => new MessageCopies())];
        Parallel.ForEach(names, new ParallelOptions { MaxDegreeOfParallelism = RoomCount }, name =>
        {
            Assert.True(Rooms.TryGet(name, out Room? room));
            Array.ForEach(messages, copies => room.Publish(_once, MessageKind.Text, except: null, key: null, copies));
        });

        Assert.All(output, static writer => Assert.Equal(MessageCount, writer.Texts().Count()));
    }

    // The other room has begun to send the first message, and has not reached this member yet.
    [Fact]
    public async Task NextMessage_DoesNotOvertakeACopyThatIsLeftToAnotherRoom()
    {
        using ManualResetEventSlim release = new();
        using ManualResetEventSlim isHeld = new();
        Rooms.Join("a", new HeldMember(isHeld, release));
        (WeirConnection both, StallingPipeWriter receivedByBoth) = _world.NewMember("a");
        Rooms.Join("b", both);
        Assert.True(Rooms.TryGet("a", out Room? a) & Rooms.TryGet("b", out Room? b));
        MessageCopies copies = new();
        Task ofA = Task.Run(() => a!.Publish(_once, MessageKind.Text, except: null, key: null, copies));
        Assert.True(isHeld.Wait(Bounded.DefaultLimit));

        Task ofB = Task.Run(() =>
        {
            b!.Publish(_once, MessageKind.Text, except: null, key: null, copies);
            b.Publish(new ReadOnlySequence<byte>("next"u8.ToArray()), MessageKind.Text, except: null);
        });
        await Bounded.Eventually(() => copies.Waiting == 1 || ofB.IsCompleted);
        release.Set();
        await Task.WhenAll(ofA, ofB).Within();

        Assert.Equal(["once", "next"], receivedByBoth.Texts());
    }

    [Fact]
    public void Publish_WithoutMembers_ReachesNoConnectionAndFailsForNullNames()
    {
        Rooms.Publish(["a"], _once, MessageKind.Text);

        Assert.Equal(0, Rooms.Count);
        Assert.Throws<ArgumentNullException>(() => Rooms.Publish((IEnumerable<string>)null!, _once, MessageKind.Text));
    }

    /// <summary>Holds the thread that sends to it.</summary>
    private sealed class HeldMember(ManualResetEventSlim isHeld, ManualResetEventSlim release) : IRoomMember
    {
        public string Id => "held";

        public RoomMemberships Memberships { get; } = new();

        public void SendShared(SharedFrames frames, string? key, ref TrafficBatch sent)
        {
            isHeld.Set();
            release.Wait(Bounded.DefaultLimit);
        }

        public bool Close(CloseCode code, string reason, CloseCause cause) => throw new NotSupportedException("A room closes no member.");
    }
}
