using Weir.Relay.Brokers;

namespace Weir.Brokers.Nats.Logs;

/// <summary>All that is known of a room's sequence after one message of its log. Immutable.</summary>
internal sealed record LogState
{
    /// <summary>
    /// The most pointers in a message, some two bytes each: a history of more messages is read in as many steps as it has that many.
    /// </summary>
    public const int MaxPointers = 64;

    /// <summary>A client with an epoch older than these is answered that the epoch is unknown.</summary>
    private const int MaxPast = 16;

    public required string Epoch { get; init; }

    /// <summary>The line under which the epoch was begun, see <see cref="Streams.LineReader"/>.</summary>
    public required string Line { get; init; }

    /// <summary>The last offset that was assigned.</summary>
    public long Top { get; init; }

    /// <summary>Publications up to this offset have been removed, or have expired.</summary>
    public long Floor { get; init; }

    /// <summary>Until when the history lasts, in ms of the server's clock since 1970; 0: indefinitely.</summary>
    public long Until { get; init; }

    /// <summary>Earlier epochs, newest first.</summary>
    public IReadOnlyList<StreamPosition> Past { get; init; } = [];

    /// <summary>Earlier messages with publications, newest first; without the message itself.</summary>
    public IReadOnlyList<LogPointer> Earlier { get; init; } = [];

    public StreamPosition Position => new(Epoch, Top);

    public bool HasExpired(long now) => Until != 0 && now >= Until;

    /// <summary>Returns the state under a new epoch: the end of the sequence may be lost, what is there is common to both.</summary>
    public LogState WithEpoch(string epoch, string line) => this with
    {
        Epoch = epoch,
        Line = line,
        Past = [new StreamPosition(Epoch, Top), .. Past.Take(MaxPast - 1)],
    };

    /// <summary>Returns the pointers for the message after this one, which has the sequence number <paramref name="sequence"/>.</summary>
    public IReadOnlyList<LogPointer> PointersBehind(ulong sequence, bool hasPublications, long floor)
    {
        if (!hasPublications && (Earlier.Count == 0 || Earlier[^1].Top > floor))
        {
            return Earlier;
        }

        List<LogPointer> pointers = new(Math.Min(Earlier.Count + 1, MaxPointers));
        if (hasPublications && Top > floor)
        {
            pointers.Add(new LogPointer(sequence, Top));
        }

        foreach (LogPointer pointer in Earlier)
        {
            if (pointers.Count == MaxPointers || pointer.Top <= floor)
            {
                break;
            }

            pointers.Add(pointer);
        }

        return pointers;
    }
}
