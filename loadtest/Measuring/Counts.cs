namespace Weir.LoadTest.Measuring;

/// <summary>The counters of a stretch of time. Those of several stretches, or of several processes, add up.</summary>
internal sealed class Counts
{
    /// <summary>Handshake, from when the connection was due to be opened until it was.</summary>
    public const string Handshake = "handshake";

    /// <summary>A message, from when it was due to be sent until it had come.</summary>
    public const string Message = "message";

    /// <summary>From when a connection was lost until it was back.</summary>
    public const string Outage = "outage";

    public long Opened { get; set; }

    public long Reconnected { get; set; }

    public long Sent { get; set; }

    public long Received { get; set; }

    /// <summary>How many should have been received.</summary>
    public long Expected { get; set; }

    /// <summary>Came twice, after a later one, or to another client.</summary>
    public long Misplaced { get; set; }

    public long Heartbeats { get; set; }

    /// <summary>Stopped reading, and were closed with 1009 "too slow".</summary>
    public long SlowClosed { get; set; }

    /// <summary>Stopped reading, and ended in any other way, or received a message out of sequence.</summary>
    public long SlowOtherwise { get; set; }

    /// <summary>Tries to open that failed, by the answer.</summary>
    public Dictionary<string, long> Refused { get; set; } = [];

    /// <summary>Open connections that ended without a request of the load test, by cause.</summary>
    public Dictionary<string, long> Lost { get; set; } = [];

    /// <summary>Errors that the server reported.</summary>
    public Dictionary<string, long> Problems { get; set; } = [];

    /// <summary>Open connections that ended, by close code.</summary>
    public Dictionary<int, long> Codes { get; set; } = [];

    /// <summary>Those of them that got no close frame, by cause.</summary>
    public Dictionary<string, long> WithoutCloseFrame { get; set; } = [];

    /// <summary>The answers to openings that must be refused.</summary>
    public Dictionary<string, long> Rebuffs { get; set; } = [];

    /// <summary>Processor time of the client.</summary>
    public double CpuSeconds { get; set; }

    /// <summary>By name, as <see cref="Latency.Take"/> gives them.</summary>
    public Dictionary<string, long[]> Latencies { get; set; } = [];

    public static void Count<T>(Dictionary<T, long> counts, T what, long more = 1)
        where T : notnull
        => counts[what] = counts.GetValueOrDefault(what) + more;

    /// <summary>All but the latencies, which the owner of the histograms adds.</summary>
    public void Add(Counts other)
    {
        Opened += other.Opened;
        Reconnected += other.Reconnected;
        Sent += other.Sent;
        Received += other.Received;
        Expected += other.Expected;
        Misplaced += other.Misplaced;
        Heartbeats += other.Heartbeats;
        SlowClosed += other.SlowClosed;
        SlowOtherwise += other.SlowOtherwise;
        CpuSeconds += other.CpuSeconds;
        AddAll(Refused, other.Refused);
        AddAll(Lost, other.Lost);
        AddAll(Problems, other.Problems);
        AddAll(Codes, other.Codes);
        AddAll(WithoutCloseFrame, other.WithoutCloseFrame);
        AddAll(Rebuffs, other.Rebuffs);
    }

    private static void AddAll<T>(Dictionary<T, long> to, Dictionary<T, long> from)
        where T : notnull
    {
        foreach ((T what, long count) in from)
        {
            Count(to, what, count);
        }
    }
}
