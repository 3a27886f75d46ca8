using System.Buffers;
using Weir.Connections;
using Weir.Core.Tests.Sending;
using Weir.Protocol;
using Weir.Rooms;
using Weir.Sending;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Rooms;

public sealed class RoomTests : IDisposable
{
    private readonly RoomWorld _world = new();

    private RoomDirectory Rooms => _world.Rooms;

    public void Dispose() => _world.Dispose();

    [Fact]
    public void Join_NewName_MakesTheRoom()
    {
        WeirConnection connection = _world.NewConnection();
        Assert.Equal(0, Rooms.Count);
        Assert.False(Rooms.TryGet("a", out _));

        Room? room = Rooms.Join("a", connection);

        Assert.NotNull(room);
        Assert.Equal(("a", 1), (room.Name, room.Count));
        Assert.True(Rooms.TryGet("a", out Room? found));
        Assert.Same(room, found);
        Assert.Equal(1, Rooms.Count);
    }

    [Fact]
    public void Join_Twice_IsTheSameAsOnce()
    {
        (WeirConnection connection, StallingPipeWriter output) = _world.NewMember("a");
        Assert.Same(Rooms.Join("a", connection), Rooms.Join("a", connection));
        Assert.True(Rooms.TryGet("a", out Room? room));
        Assert.Equal(1, room.Count);

        _world.Publish("a", "once");
        Assert.Equal(["once"], output.Texts());
        Assert.True(Rooms.Leave("a", connection));
        Assert.False(Rooms.Leave("a", connection));
        Assert.Equal(0, Rooms.Count);
    }

    [Fact]
    public void Join_NamesThatDifferInCase_AreTwoRooms()
    {
        WeirConnection connection = _world.NewConnection();
        Assert.NotSame(Rooms.Join("Room", connection), Rooms.Join("room", connection));
        Assert.Equal(2, Rooms.Count);
        Assert.Throws<ArgumentException>(() => Rooms.Join("", connection));
        Assert.Throws<ArgumentNullException>(() => Rooms.Join("a", null!));
    }

    [Fact]
    public void Leave_LastMember_RemovesTheRoomAndALaterJoinMakesItAnew()
    {
        WeirConnection first = _world.NewConnection();
        WeirConnection second = _world.NewConnection();
        Room room = Rooms.Join("a", first)!;
        Rooms.Join("a", second);

        Assert.True(Rooms.Leave("a", first));
        Assert.Equal((1, 1), (room.Count, Rooms.Count));
        Assert.True(Rooms.Leave("a", second));
        Assert.Equal((0, 0), (room.Count, Rooms.Count));
        Assert.False(Rooms.Leave("a", second));

        Room next = Rooms.Join("a", first)!;
        Assert.NotSame(room, next);
        Assert.Equal((1, 1), (next.Count, Rooms.Count));
    }

    [Fact]
    public void Close_InSeveralRooms_LeavesThemAllAndJoinsNoMore()
    {
        WeirConnection connection = _world.NewConnection();
        (WeirConnection other, _) = _world.NewMember("b");
        foreach (string name in (string[])["a", "b", "c"])
        {
            Rooms.Join(name, connection);
        }

        connection.Memberships.Close();
        connection.Memberships.Close();

        Assert.Equal(1, Rooms.Count);
        Assert.True(Rooms.TryGet("b", out Room? room));
        Assert.Equal(1, room.Count);
        Assert.Null(Rooms.Join("a", connection));
        Assert.Null(Rooms.Join("b", connection));
        Assert.Equal(1, Rooms.Count); // the room made for it is removed again
        Assert.False(Rooms.Leave("b", connection));
        Assert.True(Rooms.Leave("b", other));
    }

    [Fact]
    public void Leave_InAnyOrder_KeepsTheOthers()
    {
        string[] names = ["a", "b", "c", "d"];
        foreach (string first in names)
        {
            WeirConnection connection = _world.NewConnection();
            Array.ForEach(names, name => Rooms.Join(name, connection));
            Assert.True(Rooms.Leave(first, connection));
            Assert.Equal(3, Rooms.Count);
            Assert.False(Rooms.TryGet(first, out _));
            connection.Memberships.Close();
            Assert.Equal(0, Rooms.Count);
        }
    }

    [Fact]
    public void Publish_Except_ReachesAllOthers()
    {
        (WeirConnection sender, StallingPipeWriter own) = _world.NewMember("a");
        StallingPipeWriter[] others = [.. Enumerable.Range(0, 300).Select(_ => _world.NewMember("a").Output)];
        (_, StallingPipeWriter stranger) = _world.NewMember("b");

        _world.Publish("a", "to all but me", except: sender);
        _world.Publish("a", "to all");
        _world.Publish("no such room", "to none");

        Assert.Equal(["to all"], own.Texts());
        Assert.All(others, output => Assert.Equal(["to all but me", "to all"], output.Texts()));
        Assert.Empty(stranger.Texts());
        Assert.Equal(300 + 301, Rooms.Deliveries);
        Assert.Equal(2, _world.Arrays.Rents); // each encoded once
        Assert.Equal(0, _world.Arrays.Outstanding);
    }

    [Fact]
    public async Task Publish_SlowMembers_ShareOneRun()
    {
        (WeirConnection Connection, StallingPipeWriter Output)[] members = [.. Enumerable.Range(0, 50).Select(_ => _world.NewMember("a"))];
        Array.ForEach(members, member => member.Output.Hold());

        _world.Publish("a", "first"); // begins the flush that pends
        _world.Publish("a", "second");
        _world.Publish("a", "third");

        Assert.Equal(2, _world.Arrays.Outstanding);
        Assert.All(members, member => Assert.Equal(7 + 8 + 7, member.Connection.PendingBytes));
        Array.ForEach(members, member => member.Output.Release());
        await Bounded.Eventually(() => members.All(member => member.Connection.PendingBytes == 0));
        await Bounded.Eventually(() => _world.Arrays.Outstanding == 0);
        Assert.All(members, member => Assert.Equal(["first", "second", "third"], member.Output.Texts()));
    }

    [Fact]
    public void Publish_BrokenMember_ReachesTheOthers()
    {
        (_, StallingPipeWriter before) = _world.NewMember("a");
        _ = Rooms.Join("a", _world.NewConnection(new ScriptedWriter { OnGetSpan = () => throw new NotSupportedException() }));
        _ = Rooms.Join("a", _world.NewConnection(new ScriptedWriter { OnFlush = () => throw new NotSupportedException() }));
        (_, StallingPipeWriter after) = _world.NewMember("a");

        _world.Publish("a", "one");
        _world.Publish("a", "two");

        Assert.Equal(["one", "two"], before.Texts());
        Assert.Equal(["one", "two"], after.Texts());
        Assert.Equal(0, _world.Arrays.Outstanding);
    }

    [Fact]
    public void Publish_InAndOutOfScope_KeepsTheOrder()
    {
        StallingPipeWriter[] members = [.. Enumerable.Range(0, 3).Select(_ => _world.NewMember("a").Output)];
        (WeirConnection both, StallingPipeWriter output) = _world.NewMember("a");
        Rooms.Join("b", both);
        List<string> expected = [];
        for (int i = 0; i < 100; i++)
        {
            SendScope? scope = i % 3 == 0 ? null : _world.EnterScope();
            for (int j = 0; j < 5; j++)
            {
                expected.Add($"{i}.{j}");
                _world.Publish(i % 7 == j ? "b" : "a", expected[^1]);
            }

            both.Send(new ReadOnlySequence<byte>("own"u8.ToArray()), MessageKind.Text);
            expected.Add("own");
            scope?.Exit();
        }

        Assert.Equal(expected, output.Texts());
        Assert.All(members, member => Assert.Equal(
            expected.Where((text, index) => text != "own" && index / 6 % 7 != index % 6), member.Texts()));
        Assert.Equal(0, _world.Arrays.Outstanding);
    }

    [Fact]
    public void Publish_ManyInOnePass_ReachEachMemberInOneFlush()
    {
        StallingPipeWriter[] members = [.. Enumerable.Range(0, 200).Select(_ => _world.NewMember("a").Output)];
        SendScope scope = _world.EnterScope();
        for (int i = 0; i < 30; i++)
        {
            _world.Publish("a", $"{i}");
        }

        Assert.All(members, member => Assert.Empty(member.Flushes));
        scope.Exit();

        Assert.All(members, member => Assert.Single(member.Flushes));
        Assert.All(members, member => Assert.Equal(Enumerable.Range(0, 30).Select(i => $"{i}"), member.Texts()));
        Assert.Equal(200 * 30, Rooms.Deliveries);
    }

    [Fact]
    public void JoinAndLeave_InThePassOfAPublish_ComeAfterIt()
    {
        (WeirConnection leaver, StallingPipeWriter left) = _world.NewMember("a");
        StallingPipeWriter joined = new();
        WeirConnection joiner = _world.NewConnection(joined);
        SendScope scope = _world.EnterScope();

        _world.Publish("a", "one");
        Rooms.Join("a", joiner);
        _world.Publish("a", "two");
        Rooms.Leave("a", leaver);
        _world.Publish("a", "three");
        Rooms.Leave("a", joiner);
        scope.Exit();

        Assert.Equal(["one", "two"], left.Texts());
        Assert.Equal(["two", "three"], joined.Texts());
    }
}
