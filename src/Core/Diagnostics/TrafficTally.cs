namespace Weir.Diagnostics;

/// <summary>
/// Messages and bytes that one thread has counted and will add to the <see cref="TrafficCounters"/> in one go, instead of by
/// two interlocked additions for each message.
/// </summary>
/// <remarks>Mutable: keep it in a field or a local, never in a readonly field.</remarks>
internal struct TrafficTally
{
    private TrafficCounters? _counters;
    private long _messages;
    private long _bytes;

    /// <summary>Counts for these counters; what was counted for others is added to them first.</summary>
    public void Count(TrafficCounters counters, long messages, long bytes)
    {
        if (!ReferenceEquals(_counters, counters))
        {
            Add();
            _counters = counters;
        }

        _messages += messages;
        _bytes += bytes;
    }

    /// <summary>Adds what was counted so far.</summary>
    public void Add()
    {
        if (_messages > 0)
        {
            _counters!.Add(_messages, _bytes);
        }

        this = default;
    }
}
