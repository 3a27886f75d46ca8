using Weir.Connections;
using Weir.Rooms;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Rooms;

public sealed class RoomDirectoryRaceTests : IDisposable
{
    private const int Threads = 8;
    private const int Rounds = 100_000;

    private static readonly TimeSpan _bound = TimeSpan.FromSeconds(60);
    private static readonly string[] _names = ["a", "b", "c"];

    private readonly RoomWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public async Task JoinAndLeave_OwnConnections_NoRoomIsLost()
    {
        WeirConnection[] connections = [.. Enumerable.Range(0, Threads).Select(_ => _world.NewConnection())];

        await StormAsync(thread =>
        {
            WeirConnection connection = connections[thread];
            for (int i = 0; i < Rounds; i++)
            {
                string name = _names[(i + thread) % _names.Length];
                Room room = _world.Rooms.Join(name, connection)!;

                // As long as it is a member all callers find its room.
                if (!_world.Rooms.TryGet(name, out Room? found) || !ReferenceEquals(room, found) || room.Count < 1)
                {
                    Assert.Fail($"Round {i}: the room that was joined is not the one that is found.");
                }

                if (!_world.Rooms.Leave(name, connection))
                {
                    Assert.Fail($"Round {i}: the membership was lost.");
                }
            }

            _world.Rooms.Join("end", connection);
        });

        Assert.Equal(1, _world.Rooms.Count);
        Assert.True(_world.Rooms.TryGet("end", out Room? end));
        Assert.Equal(Threads, end.Count);
        Array.ForEach(connections, connection => connection.Memberships.Close());
        Assert.Equal(0, _world.Rooms.Count);
        Assert.Equal(0, end.Count);
    }

    [Fact]
    public async Task JoinAndLeave_SharedConnection_EndsOutside()
    {
        WeirConnection shared = _world.NewConnection();

        await StormAsync(thread =>
        {
            for (int i = 0; i < Rounds / 4; i++)
            {
                string name = _names[(i * 7) % _names.Length];
                Assert.NotNull(_world.Rooms.Join(name, shared));
                _world.Rooms.Leave(name, shared);
            }
        });

        Assert.Equal(0, _world.Rooms.Count);
        foreach (string name in _names)
        {
            Assert.Equal(1, _world.Rooms.Join(name, shared)!.Count);
        }

        shared.Memberships.Close();
        Assert.Equal(0, _world.Rooms.Count);
    }

    [Fact]
    public async Task Close_WhileJoining_LeavesNoEmptyRoom()
    {
        await StormAsync(thread =>
        {
            for (int i = 0; i < Rounds / 20; i++)
            {
                WeirConnection connection = _world.NewConnection();
                Task close = thread % 2 == 0 ? Task.Run(connection.Memberships.Close) : Task.CompletedTask;
                foreach (string name in _names)
                {
                    _world.Rooms.Join(name, connection);
                }

                connection.Memberships.Close();
                Assert.True(close.Wait(_bound));
            }
        });

        Assert.Equal(0, _world.Rooms.Count);
    }

    private static async Task StormAsync(Action<int> run)
    {
        using Barrier start = new(Threads);
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Factory.StartNew(
            () =>
            {
                start.SignalAndWait();
                run(thread);
            },
            TaskCreationOptions.LongRunning))).Within(_bound);
    }
}
