namespace Weir.Relay.Access;

/// <summary>A client's identity, from its token or the application. Immutable; an implementation of access may derive from it.</summary>
public class ClientIdentity
{
    /// <summary>The identity of a client without a token.</summary>
    public static ClientIdentity Anonymous { get; } = new();

    /// <summary>The user's id; empty if anonymous.</summary>
    public string User { get; init; } = "";

    /// <summary>When the connection must end unless its token is refreshed; <c>null</c> if never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The client's data that others may see, as JSON for presence and publications; empty if none.</summary>
    public ReadOnlyMemory<byte> Info { get; init; }

    /// <summary>Rooms that the server subscribes the client to automatically, where the protocol can announce them to it.</summary>
    public IReadOnlyList<string> Rooms { get; init; } = [];

    /// <summary>The same client with a newer token: takes over the grants of the former identity in addition to its own.</summary>
    /// <param name="former">An identity of the same user.</param>
    public virtual void TakeOver(ClientIdentity former)
    {
    }
}
