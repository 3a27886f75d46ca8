namespace Weir.Relay;

/// <summary>Who a client is, as its token or the application says. Immutable; whoever judges access may derive from it.</summary>
public class ClientIdentity
{
    /// <summary>Somebody of whom nothing is known.</summary>
    public static ClientIdentity Anonymous { get; } = new();

    /// <summary>The user's id; empty: anonymous.</summary>
    public string User { get; init; } = "";

    /// <summary>When the connection must end unless its token is refreshed; null: never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>What others may see of the client, as JSON for presence and publications; empty: nothing.</summary>
    public ReadOnlyMemory<byte> Info { get; init; }

    /// <summary>Rooms that the server puts the client into by itself, where the protocol can tell it of them.</summary>
    public IReadOnlyList<string> Rooms { get; init; } = [];

    /// <summary>The same client with a newer token: takes over what the former identity was granted besides its own.</summary>
    /// <param name="former">Of the same user.</param>
    public virtual void TakeOver(ClientIdentity former)
    {
    }
}
