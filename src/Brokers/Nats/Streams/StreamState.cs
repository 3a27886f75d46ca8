namespace Weir.Brokers.Nats.Streams;

/// <summary>A stream as the server has it.</summary>
internal sealed record StreamState(string Name, int Replicas, long MaxPerSubject, TimeSpan MaxAge)
{
    /// <summary>Whether several servers store it, so that only its leader has the latest message for certain.</summary>
    public bool IsReplicated => Replicas > 1;

    /// <summary>Whether it keeps so many messages of each subject, for so long; zero: indefinitely.</summary>
    public bool Covers(long perSubject, TimeSpan age)
        => MaxPerSubject >= perSubject && (MaxAge == TimeSpan.Zero || (age != TimeSpan.Zero && MaxAge >= age));
}
