using System.Diagnostics;
using Weir.LoadTest.Client;

namespace Weir.LoadTest.Steady;

/// <summary>
/// Some stop reading while their room is flooded; after a while they read on, and must find whole messages without a gap and
/// then 1009 "too slow".
/// </summary>
internal sealed class SlowEpisode(RoomPlan plan, SteadyOptions options)
{
    // 2 MB a second: past a megabyte and the system's buffers within seconds.
    private const int PayloadBytes = 16 * 1024;
    private const double Rate = 128;

    /// <summary>SO_RCVBUF of the slow: little of the flood is hidden in it.</summary>
    public const int ReceiveBufferBytes = 8 * 1024;

    private readonly Dictionary<int, int> _next = [];
    private readonly RoomMessage _message = new(PayloadBytes);
    private Pace? _pace;
    private long _began;
    private int _published;

    /// <summary>Told 1009 "too slow".</summary>
    public int Told { get; private set; }

    /// <summary>Ended in any other way.</summary>
    public int EndedOtherwise { get; private set; }

    public bool HasGap { get; private set; }

    public bool IsOver => Told + EndedOtherwise == options.Slow;

    public TimeSpan Wait => _pace?.Wait ?? TimeSpan.MaxValue;

    public void Begin(Connection[] connections)
    {
        if (options.Slow > 0)
        {
            _began = Stopwatch.GetTimestamp();
            _pace = new Pace(Rate);
            foreach (int slow in plan.SlowOnes)
            {
                connections[slow].Pause();
            }
        }
    }

    /// <summary>Floods while it is time to; lets the slow ones read on when it is not any more.</summary>
    public void Go(Connection[] connections)
    {
        if (_pace is null)
        {
            return;
        }

        Connection publisher = connections[plan.FloodPublisher];
        while (!publisher.IsBackedUp && _pace.TryTake(out long due))
        {
            publisher.Send(_message.Stamp(due, RoomPlan.Flood, _published++));
        }

        if (Stopwatch.GetElapsedTime(_began) > options.SlowFor)
        {
            _pace = null;
            foreach (int slow in plan.SlowOnes)
            {
                connections[slow].Resume();
            }
        }
    }

    public void Deliver(int slow, int number)
    {
        int next = _next.GetValueOrDefault(slow);
        HasGap |= number != next;
        _next[slow] = number + 1;
    }

    public void End(ConnectionEnd end)
    {
        bool wasTold = end is { Code: 1009, Reason: "too slow" };
        Told += wasTold ? 1 : 0;
        EndedOtherwise += wasTold ? 0 : 1;
    }
}
