namespace Weir;

/// <summary>How a connection ended.</summary>
/// <param name="Code">
/// The code of the first close frame sent or received; <see cref="CloseCode.Abnormal"/> when the transport ended without
/// one, <see cref="CloseCode.NoStatus"/> when the client's close frame had none.
/// </param>
/// <param name="Reason">The text of that close frame, often empty. Comes from the peer when it began: treat it as input.</param>
/// <param name="Initiator">Who began.</param>
public readonly record struct WeirClosure(CloseCode Code, string Reason, CloseInitiator Initiator);

/// <summary>Who ended a connection.</summary>
public enum CloseInitiator
{
    /// <summary>The client sent the first close frame.</summary>
    Client,

    /// <summary>The application, or the server on its way down.</summary>
    Server,

    /// <summary>The engine, over a fault of the client's: broken protocol, a message too big, reading too slowly, an exception in the handler.</summary>
    Engine,

    /// <summary>Nobody: the transport ended without a closing handshake.</summary>
    Transport,
}
