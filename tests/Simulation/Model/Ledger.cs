using Weir.Relay.Brokers;

namespace Weir.Simulation.Model;

/// <summary>
/// All that was ever stored, and under which number: the truth that listeners are compared with. A sequence of numbers may go
/// on under another epoch; what both have in common counts as the same place.
/// </summary>
internal sealed class Ledger
{
    private readonly Dictionary<(string Room, string Epoch), Sequence> _sequences = [];
    private readonly Dictionary<string, StreamPosition> _places = [];

    /// <summary>A sequence begins, or continues another up to whose <paramref name="common"/> both are one.</summary>
    public void Begin(string room, string epoch, string? from, long common) => _sequences[(room, epoch)] = new Sequence(from, common);

    public void Store(string room, StreamPosition place, string text)
    {
        _sequences[(room, place.Epoch)].Texts[place.Offset] = text;
        _places.Add(text, place);
    }

    /// <summary>Publications that were announced to all nodes without a number, because they could not be stored.</summary>
    public List<(string Text, string Room, DateTimeOffset At)> Announced { get; } = [];

    /// <summary>A node has skipped a place: its own listeners were given publications without one.</summary>
    public void Skip(string room, StreamPosition place, string node) => _sequences[(room, place.Epoch)].Skipped[place.Offset] = node;

    /// <summary>Whether a node has skipped all places between two, the second included.</summary>
    public bool AreSkipped(string room, StreamPosition after, StreamPosition last, string? node)
    {
        for (long offset = after.Offset + 1; offset <= last.Offset; offset++)
        {
            if (SkippedBy(room, last with { Offset = offset }) is not { } by || by != node)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Where a publication was stored; <c>null</c> if it was not.</summary>
    public StreamPosition? PlaceOf(string text) => _places.TryGetValue(text, out StreamPosition place) ? place : null;

    /// <summary>What is stored at a place; <c>null</c> if there is no such place.</summary>
    public string? TextAt(string room, StreamPosition place)
        => _sequences.TryGetValue((room, place.Epoch), out Sequence? sequence)
            ? sequence.Texts.GetValueOrDefault(place.Offset)
                ?? (sequence.From is { } from
                    && place.Offset <= sequence.Common ? TextAt(room, new StreamPosition(from, place.Offset)) : null)
            : null;

    /// <summary>Whether one of the sequences has both places.</summary>
    public bool AreOfOneSequence(string room, StreamPosition one, StreamPosition other)
        => Holds(room, one.Epoch, other) || Holds(room, other.Epoch, one);

    private string? SkippedBy(string room, StreamPosition place)
        => _sequences.TryGetValue((room, place.Epoch), out Sequence? sequence)
            ? sequence.Skipped.GetValueOrDefault(place.Offset)
                ?? (sequence.From is { } from
                    && place.Offset <= sequence.Common ? SkippedBy(room, new StreamPosition(from, place.Offset)) : null)
            : null;

    private bool Holds(string room, string? epoch, StreamPosition place)
    {
        long common = long.MaxValue;
        while (epoch is not null && _sequences.TryGetValue((room, epoch), out Sequence? sequence))
        {
            if (epoch == place.Epoch)
            {
                return place.Offset <= common;
            }

            common = Math.Min(common, sequence.Common);
            epoch = sequence.From;
        }

        return false;
    }

    private sealed record Sequence(string? From, long Common)
    {
        public Dictionary<long, string> Texts { get; } = [];

        public Dictionary<long, string> Skipped { get; } = [];
    }
}
