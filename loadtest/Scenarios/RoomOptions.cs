using System.CommandLine;
using Weir.LoadTest.Activities;
using Weir.LoadTest.Client;
using Weir.LoadTest.Workers;

namespace Weir.LoadTest.Scenarios;

/// <summary>What scenarios with rooms take, each with defaults of its own.</summary>
internal sealed class RoomOptions(int connections, int rooms, int membersPerRoom, double publishRate, int slow, string holdFor)
{
    private readonly Option<int> _connections = OptionKit.Of("--connections", connections,
        "Connections in all: publishers, members, slow ones, and those in rooms where nothing happens");
    private readonly Option<int> _rooms = OptionKit.Of("--rooms", rooms, "Rooms that are published to");
    private readonly Option<int> _membersPerRoom =
        OptionKit.Of("--members-per-room", membersPerRoom, "Receivers in each; one more publishes");
    private readonly Option<double> _publishRate = OptionKit.Of("--publish-rate", publishRate, "Messages per second over all rooms");
    private readonly Option<int> _window =
        OptionKit.Of("--window", 0, "Instead of a rate: so many messages under way in each room, as fast as they arrive");
    private readonly Option<int> _payloadBytes = OptionKit.Of("--payload-bytes", 100, $"Of each message, at least {Stamp.Bytes}");
    private readonly Option<int> _slow =
        OptionKit.Of("--slow", slow, "Connections that stop reading under a flood, read on later, and must be closed with 1009 \"too slow\"");
    private readonly Option<TimeSpan> _slowFor = OptionKit.Time("--slow-for", "10s", "How long they do not read");

    public Option<TimeSpan> HoldFor { get; } = OptionKit.Time("--for", holdFor, "How long, once all are open");

    public IEnumerable<Option> All
        => [_connections, _rooms, _membersPerRoom, _publishRate, _window, _payloadBytes, _slow, _slowFor, HoldFor];

    public WorkerPlan Plan(ParseResult parsed, WorkerPlan plan) => plan with
    {
        Activity = ActivityKind.Rooms,
        Connections = parsed.GetValue(_connections),
        Rooms = parsed.GetValue(_rooms),
        MembersPerRoom = parsed.GetValue(_membersPerRoom),
        PublishRate = parsed.GetValue(_publishRate),
        Window = parsed.GetValue(_window),
        PayloadBytes = parsed.GetValue(_payloadBytes),
        Slow = parsed.GetValue(_slow),
        SlowFor = parsed.GetValue(_slowFor),
    };

    public string? Problem(ParseResult parsed, WorkerPlan plan)
    {
        int processes = Math.Max(1, parsed.GetValue(CommonOptions.Processes));
        return plan.PayloadBytes < Stamp.Bytes ? $"A payload has {Stamp.Bytes} bytes at least."
            : plan.Slow > 0 && plan.SlowFor >= parsed.GetValue(HoldFor) ? "The slow ones must read on before --for is over."
            : Enumerable.Range(0, processes).Select(each => new RoomPlan(plan.Share(each, processes)).Problem)
                .FirstOrDefault(static each => each is not null);
    }
}
