using System.Globalization;
using Weir.Relay.Brokers;

namespace Weir.Simulation.Clients;

/// <summary>
/// The oracle for one client in one room, over all its connections: what it is given is a contiguous run of the log, in
/// order, once, and each gap comes after its protocol's notification of a loss.
/// </summary>
/// <param name="client">The client's name.</param>
/// <param name="room">The room.</param>
/// <param name="world">Where violations are noted.</param>
/// <param name="isNumbered">Whether the room keeps history, so that a gap can show.</param>
internal sealed class Expectation(string client, string room, SimulationWorld world, bool isNumbered)
{
    private readonly HashSet<string> _given = [];
    private readonly Dictionary<string, int> _lastOfPublisher = [];
    private StreamPosition? _at;
    private bool _isLowerBound;

    public string Client => client;

    public string Room => room;

    public bool WasGiven(string text) => _given.Contains(text);

    /// <summary>The node that its connection is to. A place that this node skips, others do not: its listeners were given all.</summary>
    public NodeModel? Node { get; set; }

    /// <summary>Whether each publisher's order holds: it does in one room, and not between rooms.</summary>
    public bool IsOrdered { get; init; } = true;

    /// <summary>Whether it was notified that something is lost.</summary>
    public bool HasLost { get; private set; }

    /// <summary>A subscription has begun without a position of the client's own.</summary>
    /// <param name="position">The position after which it receives everything; without an epoch if it was not given one.</param>
    public void Begin(StreamPosition position)
    {
        if (!isNumbered)
        {
            // Without offsets, a publication in flight to another node may arrive there once more.
            _given.Clear();
            _lastOfPublisher.Clear();
            return;
        }

        StreamPosition from = position.Epoch.Length > 0 ? position : world.Server.TopOf(room);
        if (_at is { } before && !_isLowerBound && !(world.Ledger.AreOfOneSequence(room, before, from) && before.Offset >= from.Offset))
        {
            world.Violate($"{client} in {room} stood at {Text(before)} and was begun again at {Text(from)} without notification");
        }

        _isLowerBound = position.Epoch.Length == 0 && _at is null;
        _at = _at is { } known && position.Epoch.Length == 0 ? known : from;
    }

    /// <summary>A subscription has begun that continues at the client's position.</summary>
    public void Resume()
    {
        if (!isNumbered)
        {
            Begin(default); // of one node, where rules differ: others may have given it what came after that without a number
        }
    }

    /// <summary>A connection has begun on which the server reports losses.</summary>
    public void BeginStream()
    {
        if (!isNumbered || _at is null)
        {
            Begin(default);
        }
    }

    /// <summary>Publications are lost, and it continues after <paramref name="now"/>.</summary>
    public void Lose(StreamPosition now)
    {
        HasLost = true;
        _at = now.Epoch.Length > 0 ? now : isNumbered ? world.Server.TopOf(room) : null;
        _isLowerBound = now.Epoch.Length == 0;
        world.Note($"{client} {room} lost, at {Text(now)}");
    }

    /// <summary>A publication is delivered, with its position if the protocol has them.</summary>
    public void Give(string text, StreamPosition? reported)
    {
        text = text.Trim('"');
        world.Note($"{client} {room} {text}{(reported is { } at ? " " + Text(at) : "")}");
        if (!_given.Add(text))
        {
            world.Violate($"{client} in {room} was given {text} twice");
        }

        int dash = text.LastIndexOf('-');
        string publisher = text[..dash];
        int number = int.Parse(text.AsSpan(dash + 1), CultureInfo.InvariantCulture);
        if (_lastOfPublisher.TryGetValue(publisher, out int last) && last > number && IsOrdered)
        {
            world.Violate($"{client} in {room} was given {text} after {publisher}-{last}");
        }

        _lastOfPublisher[publisher] = Math.Max(number, last);
        if (!isNumbered)
        {
            return;
        }

        if (reported is { Offset: > 0 } place)
        {
            if (world.Ledger.TextAt(room, place) != text)
            {
                world.Violate(
                    $"{client} in {room} was given {text} as {Text(place)}, which is {world.Ledger.TextAt(room, place) ?? "nothing"}");
                return;
            }

            Advance(text, place);
        }
        else if (reported is null && world.Ledger.PlaceOf(text) is { } stored)
        {
            Advance(text, stored);
        }
    }

    /// <summary>All faults are healed and no event is left: no publication may be missing.</summary>
    public void CheckComplete()
    {
        if (!isNumbered || _at is not { } at)
        {
            return;
        }

        StreamPosition top = world.Server.TopOf(room);
        if (_isLowerBound && !world.Ledger.AreOfOneSequence(room, at, top))
        {
            return; // a fail-over lost the place before the client was given anything: where it began is not known
        }

        if (!world.Ledger.AreOfOneSequence(room, at, top) || at.Offset > top.Offset
            || !world.Ledger.AreSkipped(room, at, top, Node?.Name))
        {
            world.Violate($"{client} in {room} stands at {Text(at)} although {Text(top)} is stored, and was not notified");
        }
    }

    private static string Text(StreamPosition place) => place.Epoch + ":" + place.Offset.ToString(CultureInfo.InvariantCulture);

    private void Advance(string text, StreamPosition place)
    {
        if (_at is { } at)
        {
            bool isNext = world.Ledger.AreOfOneSequence(room, at, place) && place.Offset > at.Offset
                && world.Ledger.AreSkipped(room, at, place with { Offset = place.Offset - 1 }, Node?.Name);
            // After a fail-over that lost the position, the begin of a client without a delivery is unknown.
            bool isEarlier = _isLowerBound && (!world.Ledger.AreOfOneSequence(room, at, place) || place.Offset <= at.Offset);
            if (!isNext && !isEarlier)
            {
                world.Violate($"{client} in {room} was given {text}, {Text(place)}, next after {Text(at)}, without notification");
            }
        }

        _at = place;
        _isLowerBound = false;
    }
}
