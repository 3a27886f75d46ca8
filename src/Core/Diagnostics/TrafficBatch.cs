namespace Weir.Diagnostics;

/// <summary>
/// Messages and bytes that one thread has counted and adds to the <c>TrafficCounters</c> in one step, instead of by two
/// interlocked additions per message.
/// </summary>
/// <remarks>Mutable: keep it in a field or a local, never in a readonly field.</remarks>
public struct TrafficBatch
{
    private TrafficCounters? _counters;
    private long _messages;
    private long _bytes;

    /// <summary>Counts for these counters; counts for others are added to them first.</summary>
    internal void Count(TrafficCounters counters, long messages, long bytes)
    {
        if (!ReferenceEquals(_counters, counters))
        {
            Add();
            _counters = counters;
        }

        _messages += messages;
        _bytes += bytes;
    }

    /// <summary>Adds the counts so far to the counters.</summary>
    internal void Add()
    {
        if (_messages > 0)
        {
            _counters!.Add(_messages, _bytes);
        }

        this = default;
    }
}
