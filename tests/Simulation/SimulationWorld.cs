using System.Globalization;
using Weir.Relay.Brokers;
using Weir.Simulation.Clients;
using Weir.Simulation.Model;
using Weir.Simulation.Scenarios;
using Weir.Simulation.Scheduling;

namespace Weir.Simulation;

/// <summary>The nodes, the server that they share, their clients, and what happened.</summary>
internal sealed class SimulationWorld
{
    private readonly List<string> _trace = [];
    private readonly List<string> _violations = [];
    private readonly Dictionary<(string Publisher, string Room), int> _published = [];
    private readonly List<Answer> _answers = [];

    public SimulationWorld(SimulationScheduler scheduler, Scenario scenario)
    {
        Scheduler = scheduler;
        Server = new ServerModel(Ledger);
        Nodes = [.. Enumerable.Range(1, scenario.Nodes).Select(number => new NodeModel("n" + number, this, scenario.RulesOf(number)))];
    }

    public SimulationScheduler Scheduler { get; }

    public Ledger Ledger { get; } = new();

    public ServerModel Server { get; }

    public IReadOnlyList<NodeModel> Nodes { get; }

    public List<SimulatedClient> Clients { get; } = [];

    public IReadOnlyList<string> Violations => _violations;

    public IReadOnlyList<string> Trace => _trace;

    public string Now => ((Scheduler.Clock.GetUtcNow() - new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero)).TotalMilliseconds)
        .ToString("00000.000", CultureInfo.InvariantCulture);

    /// <summary>Notes what happened, in words.</summary>
    public void Note(string what) => _trace.Add(Now + " " + what);

    public void Violate(string what)
    {
        Note("VIOLATION: " + what);
        _violations.Add(what);
    }

    /// <summary>The next text of a publisher in a room: "publisher/room-number".</summary>
    public string NextText(string publisher, string room)
        => string.Create(CultureInfo.InvariantCulture,
            $"{publisher}/{room}-{_published[(publisher, room)] = _published.GetValueOrDefault((publisher, room)) + 1}");

    /// <summary>A text as it was published: clients of Centrifugo's protocol send and receive it as a string of JSON.</summary>
    public static string TextOf(ReadOnlySpan<byte> data) => System.Text.Encoding.UTF8.GetString(data).Trim('"');

    /// <summary>Notes that a client publishes through a node and waits for the answer.</summary>
    public Answer BeginAnswer(NodeModel node, string room, string text)
    {
        Answer answer = new(node, room, text);
        _answers.Add(answer);
        return answer;
    }

    /// <summary>Publishes as the HTTP API does, and notes the answer.</summary>
    public async void Publish(NodeModel node, string room)
    {
        string text = NextText(node.Name, room);
        Answer answer = BeginAnswer(node, room, text);
        Note($"{node.Name} publishes {text}");
        try
        {
            StreamPosition position =
                await node.Relay.PublishAsync(room, new Publication { Data = System.Text.Encoding.UTF8.GetBytes(text) });
            answer.Position = position;
            answer.IsOk = true;
            Note($"{node.Name} answers {text}: stored as {position.Epoch}:{position.Offset}");
        }
        catch (BrokerUnavailableException error)
        {
            answer.IsNotStored = !error.IsUnknown;
            Note($"{node.Name} answers {text}: {(error.IsUnknown ? "not known" : "not stored")}");
        }
    }

    /// <summary>All faults are healed and no event is left.</summary>
    /// <param name="hadOutage">A node had lost the server, so that what it could not store its own members have been given alone.</param>
    /// <param name="hasDifferentRules">One of the nodes has other rules than the others: each node must report it.</param>
    public void Check(bool hadOutage, bool hasDifferentRules)
    {
        foreach (NodeModel node in Nodes)
        {
            if (node.Relay.NodesWithOtherRules.Count > 0 != hasDifferentRules)
            {
                Violate($"{node.Name} says that {node.Relay.NodesWithOtherRules.Count} nodes have other rules");
            }
        }

        foreach (SimulatedClient client in Clients)
        {
            client.CheckComplete();
        }

        foreach ((string text, string room, DateTimeOffset at) in hadOutage ? [] : Ledger.Announced)
        {
            string publisher = text[..text.AsSpan().IndexOfAny('.', '/')];
            foreach (Expectation listener in Clients.SelectMany(client => client.ListeningSince(at, room)))
            {
                if (!listener.WasGiven(text) && !listener.HasLost && listener.Client != publisher)
                {
                    Violate($"{text} was announced, but not stored, and {listener.Client} was not given it");
                }
            }
        }

        foreach (Answer answer in _answers)
        {
            StreamPosition? place = Ledger.PlaceOf(answer.Text);
            RoomRule rule = answer.Node.Relay.RuleOf(answer.Room);
            if (answer.IsNotStored && place is not null)
            {
                Violate($"{answer.Text} was answered \"not stored\" but is stored");
            }

            if (answer.IsOk && answer.Position is null && rule.KeepsHistory && place is null)
            {
                Violate($"{answer.Text} was answered \"delivered\" but is not stored");
            }

            // With any room rule: a publisher that is answered without an error need not repeat it.
            if (answer is { IsOk: true, Position: { } position } && rule.KeepsHistory && position != place)
            {
                Violate($"{answer.Text} was answered \"stored\" but is not");
            }
        }
    }

    internal sealed record Answer(NodeModel Node, string Room, string Text)
    {
        public bool IsOk { get; set; }

        public bool IsNotStored { get; set; }

        /// <summary>Its position by the answer; <c>null</c> if the answer has none.</summary>
        public StreamPosition? Position { get; set; }
    }
}
