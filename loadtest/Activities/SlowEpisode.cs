using System.Diagnostics;
using Weir.LoadTest.Client;
using Weir.LoadTest.Workers;

namespace Weir.LoadTest.Activities;

/// <summary>Some stop reading while their room is flooded, and read on after a while; see <see cref="SlowClient"/>.</summary>
internal sealed class SlowEpisode(RoomPlan plan, WorkerContext context)
{
    // Centrifugo's own code for it, as SDKs of that protocol would take 1009 for the end.
    private readonly int _code = context.Plan.IsCentrifugo ? 3008 : SlowClient.TooSlow;
    private readonly Dictionary<int, SlowClient> _clients = plan.SlowOnes.ToDictionary(static each => each, static _ => new SlowClient());
    private readonly StampedFrame _frame = context.Protocol.Publish(plan.FloodName, SlowClient.FloodPayloadBytes);
    private Pace? _pace;
    private long _began;
    private int _published;
    private int _ended;

    public bool IsOver => _ended == context.Plan.Slow;

    public void Begin()
    {
        if (context.Plan.Slow > 0)
        {
            _began = Stopwatch.GetTimestamp();
            _pace = new Pace(SlowClient.FloodRate);
            foreach (int slow in plan.SlowOnes)
            {
                context.Loop[slow]?.Pause();
            }
        }
    }

    /// <summary>Floods for the set time; then the slow clients read on.</summary>
    public TimeSpan Go()
    {
        if (_pace is null)
        {
            return TimeSpan.MaxValue;
        }

        Connection publisher = context.Loop[plan.FloodPublisher]!;
        while (!publisher.IsBackedUp && _pace.TryTake(out long due))
        {
            publisher.Send(_frame.With(new Stamp(due, int.MaxValue, _published++)));
        }

        TimeSpan wait = _pace.Wait;
        if (Stopwatch.GetElapsedTime(_began) > context.Plan.SlowFor)
        {
            ReadOn();
        }

        return wait;
    }

    public void ReadOn()
    {
        if (_pace is not null)
        {
            _pace = null;
            foreach (int slow in plan.SlowOnes)
            {
                context.Loop[slow]?.Resume();
            }
        }
    }

    public void Deliver(int slow, int number) => _clients[slow].Deliver(number);

    public void End(int slow, ConnectionEnd end)
    {
        _ended++;
        bool wasClosed = _clients[slow].IsClosedAsSlow(end, _code);
        context.Counts.SlowClosed += wasClosed ? 1 : 0;
        context.Counts.SlowOtherwise += wasClosed ? 0 : 1;
    }
}
