using Weir.Relay.Brokers;
using Weir.Simulation.Clients;
using Weir.Simulation.Scheduling;

namespace Weir.Simulation.Scenarios;

/// <summary>What may happen in a simulation.</summary>
[Flags]
internal enum Features
{
    None = 0,

    /// <summary>The links of one node to the server break and are restored.</summary>
    Cuts = 1,

    /// <summary>The server does not answer for some time, and then processes the requests that came meanwhile.</summary>
    Hangs = 2,

    /// <summary>The server refuses what is to be stored.</summary>
    Refusals = 4,

    /// <summary>The server is started again, with or without its data, or a replica takes over.</summary>
    Restarts = 8,

    /// <summary>Keys of a room are deleted.</summary>
    Deletions = 16,

    /// <summary>Single announcements do not arrive.</summary>
    LostAnnouncements = 32,

    /// <summary>A node is up before the server can be reached.</summary>
    LateServer = 64,

    /// <summary>Two nodes have different rules for a room.</summary>
    DifferentRules = 128,

    /// <summary>Clients are raw members, too.</summary>
    Members = 256,

    /// <summary>Streams and raw members may be of several rooms.</summary>
    StreamsOfSeveralRooms = 512,

    /// <summary>Clients are the .NET client, too, over sessions of Centrifugo's protocol.</summary>
    Sdks = 2048,

    /// <summary>Announcements to a node take longer than answers for some time.</summary>
    SlowAnnouncements = 1024,

    /// <summary>All that goes wrong, and all kinds of clients.</summary>
    All = 4095,
}

/// <summary>One simulation: from its seed follow the nodes, the clients and all that happens.</summary>
internal sealed class Scenario
{
    private const Features Clients = Features.Members | Features.StreamsOfSeveralRooms | Features.Sdks;

    private static readonly string[] _allRooms = ["plain", "kept", "other", "durable"];

    private readonly Random _random;
    private readonly Features _features;
    private readonly Features[] _faults;
    private readonly string[] _rooms;
    private readonly RoomRule[] _rules;
    private bool _hadOutage;

    private Scenario(int seed, Features possible)
    {
        Seed = seed;
        _random = new Random(seed);
        // Most have one or two kinds of fault: together they hide each other.
        _features = possible & Clients;
        Features[] faults = [.. Enum.GetValues<Features>().Where(each => each != Features.All && (each & possible & ~Clients) != 0)];
        for (int i = _random.Next(4); i > 0 && faults.Length > 0; i--)
        {
            _features |= Any(faults);
        }

        _faults = [.. faults.Where(each => _features.HasFlag(each))];
        // In half of them all is in one room, where more meets.
        _rooms = _random.Next(2) == 0 ? [Any(_allRooms)] : _allRooms;
        Nodes = _random.Next(1, 4);
        int history = _random.Next(3) == 0 ? _random.Next(3, 12) : 1000;
        _rules =
        [
            new RoomRule { Pattern = "kept", HistorySize = history },
            new RoomRule { Pattern = "other", HistorySize = history },
            new RoomRule { Pattern = "both", HistorySize = history },
            new RoomRule { Pattern = "durable", HistorySize = history, Durable = true },
        ];
    }

    public int Seed { get; }

    public int Nodes { get; }

    /// <summary>Runs the simulation of a seed.</summary>
    public static SimulationResult Run(int seed, Features possible)
    {
        SynchronizationContext? before = SynchronizationContext.Current;
        SimulationScheduler scheduler = new(seed);
        SynchronizationContext.SetSynchronizationContext(scheduler);
        try
        {
            Scenario scenario = new(seed, possible);
            SimulationWorld world = new(scheduler, scenario);
            try
            {
                scenario.Run(world);
            }
            catch (Exception error)
            {
                world.Violate(error.ToString());
            }

            return new SimulationResult(seed, scenario._features, world.Violations, world.Trace);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    public RoomRule[] RulesOf(int node)
        => node == 2 && _features.HasFlag(Features.DifferentRules) ? [.. _rules.Where(static rule => rule.Pattern != "other")] : _rules;

    // Where rules differ, losses cannot be detected by offsets: then the nodes must report it, see SimulationWorld.Check.
    private bool IsNumbered(string room) => room != "plain" && !(room == "other" && HasDifferentRules);

    private bool HasDifferentRules => Nodes > 1 && _features.HasFlag(Features.DifferentRules);

    private void Run(SimulationWorld world)
    {
        world.Note($"seed {Seed}: {Nodes} nodes, {_rules[0].HistorySize} publications kept, {_features}");
        foreach (NodeModel node in world.Nodes)
        {
            node.Broker.IsUpAtStart = !_features.HasFlag(Features.LateServer) || _random.Next(2) == 0;
            node.Relay.StartAsync();
            if (!node.Broker.IsUpAtStart)
            {
                _hadOutage = true;
                world.Note($"{node.Name} does not reach the server yet");
                world.Scheduler.After(Between(200, 4000), () => Heal(world, node));
            }
        }

        AddClients(world);
        int steps = _random.Next(10, 60);
        double pace = _random.Next(3) switch { 0 => 5, 1 => 40, _ => 200 };
        for (int i = 0; i < steps; i++)
        {
            Step(world);
            world.Scheduler.Run(Between(0, pace));
        }

        Settle(world);
        world.Check(_hadOutage, HasDifferentRules);
    }

    private void AddClients(SimulationWorld world)
    {
        int clients = _random.Next(2, 7);
        for (int i = 1; i <= clients; i++)
        {
            string room = _rooms[_random.Next(_rooms.Length)];
            bool isOfSeveral = _random.Next(2) == 0 && _features.HasFlag(Features.StreamsOfSeveralRooms);
            world.Clients.Add(_random.Next(4) switch
            {
                0 when _features.HasFlag(Features.Members) && isOfSeveral
                    => new MemberClient("m" + i, ["both", "and"], world, isNumbered: false),
                0 when _features.HasFlag(Features.Members) => new MemberClient("m" + i, [room], world, IsNumbered(room)),
                <= 1 => new ListenerClient("l" + i, room, world, IsNumbered(room)),
                2 when _features.HasFlag(Features.Sdks)
                    => new SdkClient("c" + i, room, world, IsNumbered(room), inboxCapacity: _random.Next(3) == 0 ? 4 : 1000),
                _ => new SseClient("s" + i, isOfSeveral ? ["kept", "other"] : [room], world, IsNumbered),
            });
        }
    }

    private void Step(SimulationWorld world)
    {
        NodeModel node = Any(world.Nodes);
        SimulatedClient client = Any(world.Clients);
        switch (_random.Next(14))
        {
            case < 4:
                for (int i = _random.Next(1, _random.Next(4) == 0 ? 30 : 3); i > 0; i--)
                {
                    world.Publish(node, Any(_rooms));
                }

                break;
            case <= 6:
                Talk(world, node);
                break;
            case <= 9 when !client.IsConnected:
                client.Connect(node);
                break;
            case <= 11 when client.IsConnected:
                client.Abort();
                if (_random.Next(2) == 0)
                {
                    world.Scheduler.After(Between(0, 500), () =>
                    {
                        if (!client.IsConnected)
                        {
                            client.Connect(node);
                        }
                    });
                }

                break;
            default:
                Fail(world, node);
                break;
        }
    }

    // A publisher continues for some time, through faults that begin or end meanwhile: a member of the node, or its API.
    private void Talk(SimulationWorld world, NodeModel node)
    {
        MemberClient[] members = [.. world.Clients.OfType<MemberClient>().Where(static member => member.CanPublish)];
        SdkClient[] sdks = [.. world.Clients.OfType<SdkClient>().Where(static sdk => sdk.CanPublish)];
        SdkClient? sdk = sdks.Length > 0 && _random.Next(3) == 0 ? Any(sdks) : null;
        MemberClient? member = members.Length > 0 && _random.Next(3) > 0 ? Any(members) : null;
        string room = Any(_rooms);
        double pause = _random.Next(3) switch { 0 => 5, 1 => 60, _ => 400 };
        int left = _random.Next(2, 16);
        Next();

        void Next()
        {
            if (sdk is not null)
            {
                if (sdk.CanPublish)
                {
                    sdk.Publish();
                }
            }
            else if (member is null)
            {
                world.Publish(node, room);
            }
            else if (member.CanPublish)
            {
                member.Publish();
            }

            if (--left > 0)
            {
                world.Scheduler.After(Between(0, pause), Next);
            }
        }
    }

    // All clients that a node has in a room leave it at once, while calls to the server are on their way, and are back a moment later: if
    // the server could not be reached, in another room of the same name.
    private void LeaveAndReturn(SimulationWorld world, NodeModel node, string room)
    {
        Publish();
        if (_random.Next(2) == 0)
        {
            Leave();
        }
        else
        {
            world.Scheduler.After(Between(0, 4), Leave); // some of the calls are answered by then
        }

        void Leave()
        {
            SimulatedClient[] left = [.. world.Clients.Where(client => client.IsIn(node, room))];
            foreach (SimulatedClient client in left)
            {
                client.Abort();
            }

            if (_random.Next(2) == 0)
            {
                Return(left);
            }
            else
            {
                world.Scheduler.After(Between(0, 12), () => Return(left));
            }
        }

        void Return(SimulatedClient[] left)
        {
            foreach (SimulatedClient client in left.Where(static client => !client.IsConnected))
            {
                client.Connect(node);
            }

            Publish();
            world.Scheduler.After(Between(0, 4), Publish);
        }

        void Publish()
        {
            world.Publish(node, room);
            foreach (MemberClient member in world.Clients.OfType<MemberClient>().Where(each => each.IsIn(node, room) && each.CanPublish))
            {
                member.Publish();
            }
        }
    }

    // Listeners return to a room, so that its history is read, and a publish begins: calls that the server has not answered yet.
    private void JoinAndPublish(SimulationWorld world, NodeModel node, string room)
    {
        foreach (SimulatedClient client in world.Clients.Where(client => client.IsListenerOf(room)))
        {
            if (client.IsConnected)
            {
                client.Abort();
            }

            client.Connect(node);
        }

        world.Publish(node, room);
    }

    private void Fail(SimulationWorld world, NodeModel node)
    {
        Features fault = _faults.Length > 0 ? Any(_faults) : Features.None;
        switch (fault)
        {
            case Features.SlowAnnouncements:
                node.Broker.AnnouncementDelay = Between(50, 1500);
                world.Note($"announcements to {node.Name} take {node.Broker.AnnouncementDelay.TotalMilliseconds:0} ms longer");
                world.Scheduler.After(Between(100, 3000), () => node.Broker.AnnouncementDelay = TimeSpan.Zero);
                break;
            case Features.Cuts:
                _hadOutage = true;
                bool isWhole = _random.Next(2) == 0;
                world.Note($"{node.Name} loses {(isWhole ? "its links" : "its link for announcements")}");
                (isWhole ? (Action)node.Broker.LoseLinks : node.Broker.LoseAnnouncementLink)();
                if (_random.Next(2) == 0)
                {
                    LeaveAndReturn(world, node, Any(_rooms));
                }

                world.Scheduler.After(Between(10, 3000), () => Heal(world, node));
                break;
            case Features.Hangs when !world.Server.IsHanging:
                Hang(world);
                break;
            case Features.Refusals:
                world.Server.RefusesAnnouncements = _random.Next(3) == 0;
                Refuse(world, !world.Server.RefusesWrites);
                break;
            case Features.Restarts:
                _hadOutage = true;
                Restart(world);
                break;
            case Features.Deletions:
                string room = Any(_rooms);
                bool onlyPublications = _random.Next(2) == 0;
                world.Note($"{(onlyPublications ? "the publications" : "all keys")} of {room} are deleted");
                world.Server.Delete(room, onlyPublications);
                break;
            case Features.LostAnnouncements:
                world.Note($"the next announcement to {node.Name} is lost");
                node.Broker.LosesNext = true;
                break;
        }
    }

    private static void Refuse(SimulationWorld world, bool refuses)
    {
        if (world.Server.RefusesWrites == refuses)
        {
            return;
        }

        world.Server.RefusesWrites = refuses;
        world.Note(!refuses ? "the server takes writes again"
            : "the server refuses writes" + (world.Server.RefusesAnnouncements ? " and to announce them" : ""));
        foreach (NodeModel node in world.Nodes)
        {
            node.Broker.OnRefusalChanged();
        }
    }

    private void Hang(SimulationWorld world)
    {
        _hadOutage = true;
        TimeSpan time = Between(100, 6000);
        world.Note($"the server hangs for {time.TotalMilliseconds:0} ms");
        world.Server.Hang();
        foreach (NodeModel node in world.Nodes)
        {
            TimeSpan noticed = Between(300, 3000);
            bool dropsLink = _random.Next(2) == 0;
            string? left = _random.Next(2) == 0 ? Any(_rooms) : null;
            if (noticed < time)
            {
                if (left is not null)
                {
                    world.Scheduler.After(noticed - Between(0, 300), () => JoinAndPublish(world, node, left));
                }

                world.Scheduler.After(noticed, () =>
                {
                    world.Note($"{node.Name} gives up waiting");
                    node.Broker.OnSilence(dropsLink);
                    if (left is not null)
                    {
                        LeaveAndReturn(world, node, left);
                    }
                });
                world.Scheduler.After(time + Between(5, 800), () => Heal(world, node));
            }
        }

        world.Scheduler.After(time, () =>
        {
            world.Note("the server goes on");
            world.Server.Continue();
        });
    }

    private void Restart(SimulationWorld world)
    {
        foreach (NodeModel node in world.Nodes)
        {
            node.Broker.LoseLinks();
            world.Scheduler.After(Between(100, 2000), () => Heal(world, node));
        }

        switch (_random.Next(3))
        {
            case 0:
                world.Note("the server starts again with its data");
                world.Server.Restart(keepsData: true);
                break;
            case 1:
                world.Note("the server starts again without data");
                world.Server.Restart(keepsData: false);
                break;
            default:
                int lost = _random.Next(1, 5);
                world.Note($"a replica takes over that has not the last {lost}");
                world.Server.FailOver(lost);
                break;
        }
    }

    private void Settle(SimulationWorld world)
    {
        world.Note("all faults end");
        world.Scheduler.Run(TimeSpan.FromSeconds(8)); // those that have begun
        Refuse(world, refuses: false);
        foreach (NodeModel node in world.Nodes)
        {
            node.Broker.LosesNext = false;
        }

        for (int i = 0; i < 3; i++)
        {
            foreach (SimulatedClient client in world.Clients.Where(static client => !client.IsConnected))
            {
                client.Connect(Any(world.Nodes));
            }

            world.Scheduler.Run(TimeSpan.FromSeconds(2));
        }

        world.Scheduler.Run(TimeSpan.FromSeconds(7)); // each node compares its positions
    }

    private static void Heal(SimulationWorld world, NodeModel node)
    {
        world.Note($"{node.Name} reaches the server");
        node.Broker.Heal();
    }

    private TimeSpan Between(double fromMilliseconds, double toMilliseconds)
        => TimeSpan.FromMicroseconds(1000 * (fromMilliseconds + _random.NextDouble() * (toMilliseconds - fromMilliseconds)));

    private T Any<T>(IReadOnlyList<T> of) => of[_random.Next(of.Count)];
}

/// <summary>What came of a simulation.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="Features">What could happen in it.</param>
/// <param name="Violations">What the oracle found.</param>
/// <param name="Trace">All that happened, a line each.</param>
internal sealed record SimulationResult(int Seed, Features Features, IReadOnlyList<string> Violations, IReadOnlyList<string> Trace);
