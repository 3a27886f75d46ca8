using System.Diagnostics;

namespace Weir.LoadTest.Measuring;

/// <summary>A stretch of a run with a name: everything that was counted and measured in it.</summary>
internal sealed class PhaseRecord(string name)
{
    private readonly long _began = Stopwatch.GetTimestamp();
    private double? _seconds;

    public string Name => name;

    public Tally Tally { get; } = new();

    public Dictionary<string, Latency> Latencies { get; } = new()
    {
        [Tally.Handshake] = new Latency(),
        [Tally.Message] = new Latency(),
        [Tally.Outage] = new Latency(),
    };

    /// <summary>How long it took, or has taken until now.</summary>
    public double Seconds => _seconds ?? Stopwatch.GetElapsedTime(_began).TotalSeconds;

    /// <summary>Null when the server is elsewhere, as all that follow.</summary>
    public double? ServerCpuSeconds { get; set; }

    public long? ServerBytesBefore { get; set; }

    public long? ServerBytesAfter { get; set; }

    public long? ServerBytesMost { get; set; }

    /// <summary>Cores.</summary>
    public double ClientCpu => Tally.CpuSeconds / Seconds;

    /// <summary>Cores.</summary>
    public double? ServerCpu => ServerCpuSeconds / Seconds;

    public void End() => _seconds ??= Seconds;

    public void Add(Tally tally)
    {
        Tally.Add(tally);
        foreach ((string what, long[] counts) in tally.Latencies)
        {
            Latencies[what].Add(counts);
        }
    }

    /// <summary>In microseconds of the server's processor time; null when it is elsewhere, or there were none.</summary>
    public double? ServerMicrosecondsPer(long count) => count == 0 ? null : ServerCpuSeconds * 1e6 / count;
}
