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

    /// <summary>A sequence begins, or goes on from another up to whose <paramref name="common"/> both are one.</summary>
    public void Begin(string room, string epoch, string? from, long common) => _sequences[(room, epoch)] = new Sequence(from, common);

    public void Store(string room, StreamPosition place, string text)
    {
        _sequences[(room, place.Epoch)].Texts[place.Offset] = text;
        _places.Add(text, place);
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
    }
}
