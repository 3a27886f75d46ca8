using System.Diagnostics;
using Weir.LoadTest.Client;
using Weir.LoadTest.Measuring;

namespace Weir.LoadTest.Workers;

/// <summary>
/// The connections to open: all in the beginning, by the plan's rate; later those that were refused, and lost ones, which
/// reconnect. Latencies count from when a connection was due, so a stall of the server counts for all that it delayed.
/// </summary>
internal sealed class Crowd
{
    // After a refusal in the opening storm: not so soon that the server only refuses.
    private static readonly TimeSpan _retry = TimeSpan.FromMilliseconds(100);

    private readonly WorkerPlan _plan;
    private readonly long[] _due;
    private readonly long[] _lost;
    private readonly byte[] _failures;
    private readonly PriorityQueue<int, long> _returning = new();
    private readonly Latency _handshakes;
    private readonly Latency _outages;
    private long _began;
    private long _lastOpened;
    private int _target;
    private int _fresh;

    public Crowd(WorkerPlan plan, Latency handshakes, Latency outages)
    {
        _plan = plan;
        _due = new long[plan.Connections];
        _lost = new long[plan.Connections];
        _failures = new byte[plan.Connections];
        _handshakes = handshakes;
        _outages = outages;
    }

    /// <summary>Connections that are open.</summary>
    public int Open { get; private set; }

    public bool AreAllOpen => Open == _target;

    public bool HasGivenUp => !AreAllOpen && Stopwatch.GetElapsedTime(_lastOpened) > _plan.OpenTimeout;

    /// <summary>Until a connection is due; at most a second.</summary>
    public TimeSpan Wait
    {
        get
        {
            long due = Math.Min(
                _returning.TryPeek(out _, out long returning) ? returning : long.MaxValue,
                _fresh < _target ? FreshDue : long.MaxValue);
            long now = Stopwatch.GetTimestamp();
            return due <= now ? TimeSpan.Zero : TimeSpan.FromSeconds(Math.Min(1, (double)(due - now) / Stopwatch.Frequency));
        }
    }

    /// <summary>Whether the handshakes under way keep the next connection from being opened.</summary>
    public bool IsHeldBack => InFlight >= _plan.HandshakesAtOnce;

    private int InFlight { get; set; }

    private long FreshDue => _plan.OpenRate > 0 ? _began + (long)(_fresh / _plan.OpenRate * Stopwatch.Frequency) : _began;

    /// <summary>Whether no connection is being opened, nor waits to be.</summary>
    public bool IsIdle => InFlight == 0 && _returning.Count == 0;

    /// <summary>So many are to be opened; none is open.</summary>
    public void Begin(int target)
    {
        _target = target;
        _began = _lastOpened = Stopwatch.GetTimestamp();
        _fresh = 0;
        _returning.Clear();
        Array.Clear(_lost);
    }

    /// <summary>The number of the next connection to begin now; null: none yet.</summary>
    /// <remarks>Not from inside the loop's events: there a number that has just ended may still be in use.</remarks>
    public int? Next()
    {
        if (IsHeldBack || _began == 0)
        {
            return null;
        }

        long now = Stopwatch.GetTimestamp();
        int number;
        if (_returning.TryPeek(out _, out long due) && due <= now)
        {
            number = _returning.Dequeue();
        }
        else if (_fresh < _target && FreshDue <= now)
        {
            _due[_fresh] = _plan.OpenRate > 0 ? FreshDue : now;
            number = _fresh++;
        }
        else
        {
            return null;
        }

        InFlight++;
        return number;
    }

    /// <returns>Whether it has been open before.</returns>
    public bool OnOpened(int number)
    {
        InFlight--;
        Open++;
        _lastOpened = Stopwatch.GetTimestamp();
        _failures[number] = 0;
        _handshakes.RecordSince(_due[number]);
        bool isReturn = _lost[number] != 0;
        if (isReturn)
        {
            _outages.RecordSince(_lost[number]);
        }

        return isReturn;
    }

    public void OnRefused(int number)
    {
        InFlight--;
        _failures[number] = (byte)Math.Min(30, _failures[number] + 1);
        long now = Stopwatch.GetTimestamp();
        TimeSpan pause = _plan.Reconnects ? Pause(number) : _retry;
        _returning.Enqueue(number, now + (long)(pause.TotalSeconds * Stopwatch.Frequency));
    }

    /// <summary>An open connection has ended.</summary>
    public void OnEnded(int number, bool reconnects)
    {
        Open--;
        if (reconnects)
        {
            _lost[number] = Stopwatch.GetTimestamp();
            _due[number] = _lost[number] + (long)(Pause(number).TotalSeconds * Stopwatch.Frequency);
            _returning.Enqueue(number, _due[number]);
        }
    }

    private TimeSpan Pause(int number) => new Backoff(_plan.Backoff, _plan.MostBackoff).After(_failures[number]);
}
