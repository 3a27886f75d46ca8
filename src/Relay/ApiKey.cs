using Weir.Relay.Api;

namespace Weir.Relay;

/// <summary>A key of the HTTP API: who has it, and what it permits. Immutable.</summary>
/// <param name="Name">Its name in the log of calls. Names are distinct, also of the old and the new key while one is rotated.</param>
/// <param name="Value">The value of <c>X-API-Key</c>; not empty.</param>
public sealed record ApiKey(string Name, string Value)
{
    /// <summary>What its holder may do; default <see cref="ApiRights.All"/>.</summary>
    public ApiRights Rights { get; init; } = ApiRights.All;

    /// <summary>
    /// The rooms to which the rights apply, as globs like <see cref="Brokers.RoomRule.Pattern"/>; default all. Empty: none, so that only
    /// <see cref="ApiRights.Disconnect"/> and <c>info</c> are left.
    /// </summary>
    public IReadOnlyList<string> Rooms { get; init; } = ["*"];

    /// <summary>Returns the name and the rights, without the value.</summary>
    public override string ToString() => $"{Name} ({Rights}: {string.Join(", ", Rooms)})";
}
