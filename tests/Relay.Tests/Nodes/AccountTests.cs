using System.Collections.Concurrent;
using System.Globalization;
using Weir.Relay.Brokers;
using Weir.Relay.Nodes;
using Weir.Relay.Rooms;
using Weir.Testing;
using Xunit;

namespace Weir.Relay.Tests.Nodes;

/// <summary>
/// Two nodes, rooms with history, clients that connect, leave and reconnect, members that only receive, and a broker that loses
/// announcements: every client has the whole sequence from its position, or was notified of a loss.
/// </summary>
public sealed class AccountTests
{
    private const int Rooms = 4;
    private const int PublicationsPerRoom = 500;

    [Theory]
    [InlineData(1, 5, 10_000, false)]
    [InlineData(2, 2, 10_000, false)]
    [InlineData(3, 1000, 10_000, false)]
    [InlineData(4, 5, 20, false)] // the history is short: some reconnect too late
    [InlineData(5, 5, 10_000, true)]
    public async Task Clients_OnLossyLinks_HaveAllOrAreNotified(int seed, int lostOf, int historySize, bool forgets)
    {
        RoomRule rule = new() { HistorySize = historySize };
        await using LossyBroker.Memory memory = new();
        await using RelayWorld first = await RelayWorld.StartAsync(new LossyBroker(memory, seed, lostOf), rule);
        await using RelayWorld second = await RelayWorld.StartAsync(new LossyBroker(memory, seed + 100, lostOf), rule);
        RelayWorld[] nodes = [first, second];
        Client[] clients = [.. Enumerable.Range(0, 24).Select(i => new Client($"room {i % Rooms}", new Random((seed * 1000) + i)))];
        Member[] members = await Task.WhenAll(Enumerable.Range(0, Rooms * 2).Select(i => nodes[i / Rooms].JoinAsync($"room {i % Rooms}")))
            .Within();
        using CancellationTokenSource published = new();
        TaskCompletionSource forgotten = new(TaskCreationOptions.RunContinuationsAsynchronously);

        Task[] running = [.. clients.Select(client => Task.Run(() => client.RunAsync(nodes, published.Token)))];
        Task[] publishing =
        [
            .. Enumerable.Range(0, Rooms).Select(room => Task.Run(async () =>
            {
                Random random = new(seed + room);
                for (int i = 1; i <= PublicationsPerRoom; i++)
                {
                    if (forgets && room == 0 && i == PublicationsPerRoom / 2)
                    {
                        memory.Forget();
                        forgotten.SetResult();
                    }
                    else if (forgets && room > 0 && i == PublicationsPerRoom / 2)
                    {
                        // A room that is through by then could have lost its very last one, and no later offset would show it.
                        await forgotten.Task;
                    }

                    await nodes[random.Next(2)].PublishAsync($"room {room}", i.ToString(CultureInfo.InvariantCulture));
                }
            })),
        ];
        await Task.WhenAll(publishing).Within(TimeSpan.FromSeconds(30));
        await published.CancelAsync();
        await Task.WhenAll(running).Within(TimeSpan.FromSeconds(30));
        await Bounded.Eventually(() =>
        {
            Array.ForEach(nodes, static node => node.RunMaintenance(30)); // finds losses that no announcement has shown
            return clients.All(client => client.Offset == memory.TopOf(client.Room))
                && members.All(static member => member.Received[^1] == "500");
        });

        foreach (Client client in clients)
        {
            Assert.Empty(client.Faults);
            Assert.True(forgets || historySize < PublicationsPerRoom || client.Losses == 0, "Notified of a loss that was none");
        }

        if (historySize > PublicationsPerRoom && !forgets)
        {
            string[] all = [.. Enumerable.Range(1, PublicationsPerRoom).Select(static i => i.ToString(CultureInfo.InvariantCulture))];
            Assert.All(members, member => Assert.Equal(all, member.Received));
        }
    }

    /// <summary>Subscribes, receives for a while, leaves, resubscribes from its position, on any node.</summary>
    private sealed class Client(string room, Random random)
    {
        private static readonly NotingAudiences _audiences = new();

        private readonly ConcurrentQueue<string> _faults = new();
        private Listener? _current;
        private StreamPosition? _position;
        private long _lastText = -1; // not known

        public IReadOnlyCollection<string> Faults => _faults;

        public int Losses { get; private set; }

        public string Room => room;

        /// <summary>The offset of the last publication that it received.</summary>
        public long Offset
        {
            get
            {
                string last = _current?.Received is [.., string received] ? received : "0:";
                return char.IsDigit(last[0]) ? long.Parse(Position(last).Epoch, CultureInfo.InvariantCulture)
                    : Position(last.Split(' ')[^1]).Offset;
            }
        }

        public async Task RunAsync(RelayWorld[] nodes, CancellationToken published)
        {
            while (true)
            {
                RelayNode node = nodes[random.Next(nodes.Length)].Node;
                _current = new Listener();
                LocalRoom local = await node.SubscribeAsync(room, _audiences, _current, _position, CancellationToken.None);
                if (published.IsCancellationRequested)
                {
                    Account();
                    return; // stays
                }

                int wanted = random.Next(1, 20);
                while (_current.Received.Count < wanted && !published.IsCancellationRequested)
                {
                    await Task.Yield();
                }

                _current.Audience!.Remove(_current);
                node.Unsubscribe(local);
                Account();
                for (int i = random.Next(50); i > 0; i--)
                {
                    await Task.Yield();
                }
            }
        }

        private void Account()
        {
            StreamPosition at = _position ?? default;
            foreach (string received in _current!.Received)
            {
                string[] words = received.Split(' ');
                switch (words[0])
                {
                    case "recovered":
                        break;
                    case "not":
                        Losses += _position is null ? 0 : 1;
                        at = Position(words[2]);
                        _lastText = -1;
                        break;
                    case "lost":
                        Losses++;
                        at = Position(words[2]);
                        _lastText = -1;
                        break;
                    default:
                        StreamPosition publication = Position(received); // number and text
                        if (Position(received).Epoch != $"{at.Offset + 1}" || (_lastText >= 0 && publication.Offset != _lastText + 1))
                        {
                            _faults.Enqueue($"{room}: {received} after {at.Offset}:{_lastText}");
                        }

                        at = at with { Offset = at.Offset + 1 };
                        _lastText = publication.Offset;
                        break;
                }
            }

            _position = at;
        }

        private static StreamPosition Position(string text)
            => new(text.Split(':')[0], long.TryParse(text.Split(':')[1], out long number) ? number : 0);
    }
}
