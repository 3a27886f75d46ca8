using System.Globalization;

namespace Weir.Chaos;

/// <summary>A place in a room, as an event's id names it: <c>epoch:offset</c>.</summary>
internal readonly record struct Position(string Epoch, long Offset)
{
    public static Position Parse(string id)
    {
        int colon = id.LastIndexOf(':');
        return new Position(id[..colon], long.Parse(id.AsSpan(colon + 1), CultureInfo.InvariantCulture));
    }

    /// <summary>Returns the position that an id names; <c>null</c> for the id of a room without a position, <c>:0</c>.</summary>
    public static Position? TryParse(string id) => id.StartsWith(':') ? null : Parse(id);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Epoch}:{Offset}");
}
