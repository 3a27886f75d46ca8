using System.Diagnostics;

namespace Weir.LoadTest.Measuring;

/// <summary>A stretch of a run with a name: everything that was counted and measured in it.</summary>
internal sealed class PhaseRecord(string name)
{
    private readonly long _began = Stopwatch.GetTimestamp();
    private double? _seconds;

    public string Name => name;

    public Counts Counts { get; } = new();

    public Dictionary<string, Latency> Latencies { get; } = new()
    {
        [Counts.Handshake] = new Latency(),
        [Counts.Message] = new Latency(),
        [Counts.Outage] = new Latency(),
    };

    /// <summary>How long it took, or has taken until now.</summary>
    public double Seconds => _seconds ?? Stopwatch.GetElapsedTime(_began).TotalSeconds;

    /// <summary>Null when the server is elsewhere, as all that follow.</summary>
    public double? ServerCpuSeconds { get; set; }

    public long? ServerBytesBefore { get; set; }

    public long? ServerBytesAfter { get; set; }

    public long? ServerBytesMost { get; set; }

    /// <summary>Cores.</summary>
    public double ClientCpu => Counts.CpuSeconds / Seconds;

    /// <summary>Cores.</summary>
    public double? ServerCpu => ServerCpuSeconds / Seconds;

    public void End() => _seconds ??= Seconds;

    public void Add(Counts counts)
    {
        Counts.Add(counts);
        foreach ((string what, long[] histogram) in counts.Latencies)
        {
            Latencies[what].Add(histogram);
        }
    }

    /// <summary>In microseconds of the server's processor time; null when it is elsewhere, or there were none.</summary>
    public double? ServerMicrosecondsPer(long count) => count == 0 ? null : ServerCpuSeconds * 1e6 / count;
}
