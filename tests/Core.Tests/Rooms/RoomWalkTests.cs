using Weir.Connections;
using Weir.Core.Tests.Sending;
using Weir.Rooms;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Core.Tests.Rooms;

public sealed class RoomWalkTests : IDisposable
{
    private readonly RoomWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Theory]
    [InlineData(1000, 10)]
    [InlineData(1000, 1)]
    [InlineData(129, 5)]
    public void Leave_MostMembers_KeepsEveryOther(int members, int kept)
    {
        (WeirConnection Connection, StallingPipeWriter Output)[] all = [.. Enumerable.Range(0, members).Select(_ => _world.NewMember("a"))];
        (WeirConnection Connection, StallingPipeWriter Output)[] stay = [.. all.Where((_, i) => i % (members / kept) == 3).Take(kept)];
        foreach ((WeirConnection connection, _) in all.Except(stay))
        {
            Assert.True(_world.Rooms.Leave("a", connection));
        }

        Assert.True(_world.Rooms.TryGet("a", out Room? room));
        Assert.Equal(kept, room.Count);
        (WeirConnection Connection, StallingPipeWriter Output)[] late = [.. Enumerable.Range(0, 200).Select(_ => _world.NewMember("a"))];
        _world.Publish("a", "hello");

        Assert.Equal(kept + 200, room.Count);
        Assert.All(stay.Concat(late), member => Assert.Equal(["hello"], member.Output.Texts()));
        Assert.All(all.Except(stay), member => Assert.Empty(member.Output.Texts()));
        Array.ForEach([.. stay, .. late], member => Assert.True(_world.Rooms.Leave("a", member.Connection)));
        Assert.Equal(0, _world.Rooms.Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(499)]
    public void Publish_RoomTurnedOverDuringTheWalk_ReachesEachRemainingMemberOnce(int at)
    {
        // Members leave until the room would be compacted, others come into their slots, from inside the walk.
        List<(WeirConnection Connection, StallingPipeWriter Output)> members = [];
        ScriptedWriter hook = new();
        for (int i = 0; i < 500; i++)
        {
            if (i == at)
            {
                _world.Rooms.Join("a", _world.NewConnection(hook));
            }

            members.Add(_world.NewMember("a"));
        }

        (WeirConnection Connection, StallingPipeWriter Output)[] stay = [.. members.Where((_, i) => i % 10 == 7)];
        hook.OnFlush = () =>
        {
            hook.OnFlush = static () => default;
            members.Except(stay).ToList().ForEach(member => _world.Rooms.Leave("a", member.Connection));
            for (int i = 0; i < 300; i++)
            {
                _world.NewMember("a");
            }

            return default;
        };

        _world.Publish("a", "one");
        Assert.All(stay, member => Assert.Equal(["one"], member.Output.Texts()));
        _world.Publish("a", "two");
        Assert.All(stay, member => Assert.Equal(["one", "two"], member.Output.Texts()));
        Assert.True(_world.Rooms.TryGet("a", out Room? room));
        Assert.Equal(stay.Length + 1 + 300, room.Count);
    }

    [Fact]
    public void Leave_AfterAWalk_CompactsAsBefore()
    {
        // A walk that forgot to end would keep the slots of the largest crowd for ever. That a room compacts itself shows in
        // what it allocates while it empties.
        long without = AllocatedByLeaving("a", publish: false);
        long with = AllocatedByLeaving("b", publish: true);

        Assert.Equal(without, with);
        Assert.InRange(with, 4_000, 100_000);

        long AllocatedByLeaving(string room, bool publish)
        {
            WeirConnection[] members = [.. Enumerable.Range(0, 1000).Select(_ => _world.NewConnection())];
            return Allocations.LeastOf(
                () =>
                {
                    Array.ForEach(members, member => _world.Rooms.Join(room, member));
                    if (publish)
                    {
                        _world.Publish(room, "hello");
                    }
                },
                () => Array.ForEach(members, member => _world.Rooms.Leave(room, member)));
        }
    }

    [Fact]
    public async Task Publish_WhileOthersJoinAndLeave_ReachesEachRemainingMemberOnceInOrder()
    {
        const int Messages = 1_000;
        (WeirConnection Connection, StallingPipeWriter Output)[] stay = [.. Enumerable.Range(0, 200).Select(_ => _world.NewMember("a"))];
        bool done = false;
        Task[] churn = [.. Enumerable.Range(0, 3)
            .Select(seed => Task.Factory.StartNew(() => Churn(seed), TaskCreationOptions.LongRunning))];
        for (int i = 0; i < Messages; i++)
        {
            _world.Publish("a", $"{i}");
        }

        Volatile.Write(ref done, true);
        await Task.WhenAll(churn).Within();
        string[] expected = [.. Enumerable.Range(0, Messages).Select(i => $"{i}")];
        Assert.All(stay, member => Assert.Equal(expected, member.Output.Texts()));
        Assert.True(_world.Rooms.TryGet("a", out Room? room));
        Assert.Equal(stay.Length, room.Count);

        // A crowd comes and goes, so that the room grows and is compacted over and over.
        void Churn(int seed)
        {
            WeirConnection[] crowd = [.. Enumerable.Range(0, 400 + seed).Select(_ => _world.NewConnection())];
            while (!Volatile.Read(ref done))
            {
                Array.ForEach(crowd, connection => _world.Rooms.Join("a", connection));
                Array.ForEach(crowd, connection => Assert.True(_world.Rooms.Leave("a", connection)));
            }
        }
    }
}
