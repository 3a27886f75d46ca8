using System.Text;
using Weir.Closing;
using Weir.Connections;
using Weir.Diagnostics;
using Weir.Protocol;
using Weir.Rooms;
using Weir.Sending;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Rooms;

public sealed class PublicationBatchTests : IDisposable
{
    private readonly RoomWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void Deliver_SeveralForTheSameMembers_IsOneSendOfAllInOrder()
    {
        RecordingMember member = new();
        Room room = _world.Rooms.Join("a", member)!;
        PublicationBatch batch = new(_world.Rooms);

        batch.Add(room, "1"u8, MessageKind.Text);
        batch.Add(room, "2"u8, MessageKind.Binary);
        Assert.Empty(member.Sends);
        batch.Deliver();
        batch.Deliver(); // empty: no effect

        Assert.Equal(["1 2"], member.Sends);
    }

    [Fact]
    public void Add_ForOtherMembers_DeliversTheEarlierOnesFirst()
    {
        List<string> order = [];
        RecordingMember first = new(order);
        RecordingMember second = new(order);
        Room a = _world.Rooms.Join("a", first)!;
        Room b = _world.Rooms.Join("b", second)!;
        PublicationBatch batch = new(_world.Rooms);

        batch.Add(a, "1"u8, MessageKind.Text);
        batch.Add(b, "2"u8, MessageKind.Text);
        batch.Add(b, "3"u8, MessageKind.Text, except: second);
        batch.Add(b, "4"u8, MessageKind.Text);
        batch.Deliver();

        Assert.Equal(["1", "2", "4"], order);
    }

    [Fact]
    public void Add_WithAKey_StandsAlone()
    {
        RecordingMember member = new();
        Room room = _world.Rooms.Join("a", member)!;
        PublicationBatch batch = new(_world.Rooms);

        batch.Add(room, "1"u8, MessageKind.Text);
        batch.Add(room, "2"u8, MessageKind.Text, key: "k");
        batch.Add(room, "3"u8, MessageKind.Text);
        batch.Deliver();

        Assert.Equal(["1", "k=2", "3"], member.Sends);
    }

    [Fact]
    public void Add_CopiesInTwoRooms_AreSentOnceToAMemberOfBoth()
    {
        (WeirConnection connection, StallingPipeWriter output) = _world.NewMember("a");
        Room b = _world.Rooms.Join("b", connection)!;
        Assert.True(_world.Rooms.TryGet("a", out Room? a));
        PublicationBatch batch = new(_world.Rooms);
        MessageCopies copies = new();

        batch.Add(a, "once"u8, MessageKind.Text, copies: copies);
        batch.Add(b, "once"u8, MessageKind.Text, copies: copies);
        batch.Deliver();

        Assert.Equal(["once"], output.Texts());
    }

    [Fact]
    public void TryDeferWork_InAPass_RunsAtItsEndAndNotOutside()
    {
        int runs = 0;
        Work work = new(() => runs++);
        Assert.False(SendScope.TryDeferWork(work));

        SendScope scope = _world.EnterScope();
        Assert.True(SendScope.TryDeferWork(work));
        Assert.Equal(0, runs);
        scope.Exit();

        Assert.Equal(1, runs);
        Assert.False(SendScope.TryDeferWork(work));
    }

    [Fact]
    public void DeliverPublications_InAPass_DeliversWhatItHasBatched()
    {
        RecordingMember member = new();
        Room room = _world.Rooms.Join("a", member)!;
        SendScope scope = _world.EnterScope();
        room.Publish("1"u8.ToArray(), MessageKind.Text);
        Assert.Empty(member.Sends);

        SendScope.DeliverPublications();

        Assert.Equal(["1"], member.Sends);
        scope.Exit();
        SendScope.DeliverPublications(); // outside of a pass: no effect
        Assert.Equal(["1"], member.Sends);
    }

    private sealed class Work(Action action) : IThreadPoolWorkItem
    {
        public void Execute() => action();
    }

    private sealed class RecordingMember(List<string>? sends = null) : IRoomMember
    {
        public List<string> Sends { get; } = sends ?? [];

        public string Id => "member";

        public RoomMemberships Memberships { get; } = new();

        public void SendShared(SharedFrames frames, string? key, ref TrafficBatch sent)
        {
            IEnumerable<string> texts = Enumerable.Range(0, frames.Count)
                .Select(i => Encoding.UTF8.GetString(frames.GetMessage(i, out _).Span));
            Sends.Add((key is null ? "" : key + "=") + string.Join(' ', texts));
        }

        public bool Close(CloseCode code, string reason, CloseCause cause) => throw new NotSupportedException("A room closes no member.");
    }
}
