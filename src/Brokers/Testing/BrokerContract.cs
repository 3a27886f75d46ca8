using Weir.Brokers.Testing.Cases;
using Weir.Relay.Brokers;
using Weir.Testing;

namespace Weir.Brokers.Testing;

/// <summary>
/// What every broker must do. A test class derives from it, creates brokers, and runs each case of <see cref="CaseNames"/> as a test of its
/// own on an instance of its own. It uses no test framework: a case that fails throws.
/// </summary>
/// <remarks>Rooms have names of their own, so one server may serve all tests, also at the same time.</remarks>
public abstract class BrokerContract : IAsyncDisposable
{
    private static readonly Dictionary<string, Func<BrokerContract, Task>> _cases =
        PublishCases.All.Concat(HistoryCases.All).Concat(PresenceCases.All).Concat(NodeCases.All)
            .ToDictionary(static run => run.Method.Name);

    private readonly List<IBroker> _brokers = [];

    /// <summary>The names of all cases, in a stable order; each is unique.</summary>
    public static IEnumerable<string> CaseNames => _cases.Keys;

    /// <summary>
    /// The names of the cases for a broker that keeps no history (<see cref="IBroker.KeepsHistory"/>), in a stable order. There the helpers
    /// publish by <see cref="RoomRule.Default"/> where no rule is named.
    /// </summary>
    public static IEnumerable<string> CaseNamesWithoutHistory { get; } =
        [.. PublishCases.WithoutHistory.Concat(PresenceCases.All).Concat(NodeCases.All).Select(static run => run.Method.Name)];

    /// <summary>A room of this test only.</summary>
    protected internal string Room { get; } = "contract:" + Guid.NewGuid().ToString("N");

    /// <summary>Five publications, for two seconds: the rule of the cases' rooms.</summary>
    protected internal static RoomRule Kept { get; } = new() { HistorySize = 5, HistoryTtl = TimeSpan.FromSeconds(2) };

    /// <summary>Runs one case.</summary>
    /// <param name="name">One of <see cref="CaseNames"/>.</param>
    /// <exception cref="ArgumentException">There is no such case.</exception>
    /// <exception cref="BrokerContractException">The broker does not keep the contract.</exception>
    /// <exception cref="TimeoutException">The broker did not complete a call, or did not announce, within a minute.</exception>
    public Task RunAsync(string name)
        => _cases.TryGetValue(name, out Func<BrokerContract, Task>? run)
            ? run(this)
            : throw new ArgumentException($"The broker contract has no case \"{name}\".", nameof(name));

    /// <summary>Disposes the brokers that were started.</summary>
    public virtual async ValueTask DisposeAsync()
    {
        foreach (IBroker broker in _brokers)
        {
            await broker.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>Creates a broker that has not been started, of a node of its own where there are several.</summary>
    protected abstract ValueTask<IBroker> CreateAsync();

    /// <summary>Lets so much time pass for the broker: advances its clock, or waits.</summary>
    protected internal abstract Task PassAsync(TimeSpan time);

    /// <summary>Creates and starts a broker with a sink of its own; it is disposed with the test.</summary>
    protected internal async Task<(IBroker Broker, RecordingSink Sink)> StartAsync()
    {
        IBroker broker = await CreateAsync();
        _brokers.Add(broker);
        RecordingSink sink = new("node-" + Guid.NewGuid().ToString("N"));
        await broker.StartAsync(sink, CancellationToken.None).Within();
        await Bounded.Eventually(() => broker.Health == BrokerHealth.Up);
        return (broker, sink);
    }

    /// <summary>Publishes a text to <see cref="Room"/>, by <see cref="RuleOf"/> if no rule is named.</summary>
    protected internal Task<StreamPosition> PublishAsync(IBroker broker, string text, RoomRule? rule = null)
        => broker.PublishAsync(Room, text.ToPublication(), rule ?? RuleOf(broker), CancellationToken.None).Within();

    /// <summary>The rule of the cases' rooms: <see cref="Kept"/>, or one without history if the broker keeps none.</summary>
    protected internal static RoomRule RuleOf(IBroker broker)
    {
        ArgumentNullException.ThrowIfNull(broker);
        return broker.KeepsHistory ? Kept : RoomRule.Default;
    }

    /// <summary>Reads the history of <see cref="Room"/> by <see cref="Kept"/>.</summary>
    protected internal Task<RoomHistory> ReadAsync(IBroker broker, HistoryQuery query)
        => broker.ReadHistoryAsync(Room, query, Kept, CancellationToken.None).Within();
}
