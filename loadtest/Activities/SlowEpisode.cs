using System.Diagnostics;
using Weir.LoadTest.Client;
using Weir.LoadTest.Workers;

namespace Weir.LoadTest.Activities;

/// <summary>
/// Some stop reading while their room is flooded; after a while they read on, and must find whole messages without a gap and
/// then 1009 "too slow".
/// </summary>
internal sealed class SlowEpisode(RoomPlan plan, WorkerContext context)
{
    /// <summary>SO_RCVBUF of the slow: little of the flood is hidden in it.</summary>
    public const int ReceiveBufferBytes = 8 * 1024;

    // 2 MB a second: past a megabyte and the system's buffers within seconds.
    private const int PayloadBytes = 16 * 1024;
    private const double Rate = 128;

    // Centrifugo's own code for it, as SDKs of that protocol would take 1009 for the end.
    private readonly int _code = context.Plan.IsCentrifugo ? 3008 : 1009;
    private readonly Dictionary<int, int> _next = [];
    private readonly StampedFrame _frame = context.Protocol.Publish(plan.FloodName, PayloadBytes);
    private Pace? _pace;
    private long _began;
    private int _published;
    private int _ended;
    private bool _hasGap;

    public bool IsOver => _ended == context.Plan.Slow;

    public void Begin()
    {
        if (context.Plan.Slow > 0)
        {
            _began = Stopwatch.GetTimestamp();
            _pace = new Pace(Rate);
            foreach (int slow in plan.SlowOnes)
            {
                context.Loop[slow]?.Pause();
            }
        }
    }

    /// <summary>Floods while it is time to; lets the slow ones read on when it is not any more.</summary>
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

    public void Deliver(int slow, int number)
    {
        _hasGap |= number != _next.GetValueOrDefault(slow);
        _next[slow] = number + 1;
    }

    public void End(ConnectionEnd end)
    {
        _ended++;
        bool wasTold = end.Code == _code && !_hasGap && (context.Plan.IsCentrifugo || end.Reason == "too slow");
        context.Tally.SlowTold += wasTold ? 1 : 0;
        context.Tally.SlowOtherwise += wasTold ? 0 : 1;
    }
}
