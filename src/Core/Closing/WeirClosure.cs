using Weir.Protocol;

namespace Weir.Closing;

/// <summary>How a connection ended.</summary>
/// <param name="Code">
/// The code of the first close frame sent or received; <see cref="CloseCode.Abnormal"/> when the transport ended without
/// one, <see cref="CloseCode.NoStatus"/> when the client's close frame had none.
/// </param>
/// <param name="Reason">The text of that close frame, often empty. Comes from the peer when it began: treat it as input.</param>
/// <param name="Initiator">Who began.</param>
public readonly record struct WeirClosure(CloseCode Code, string Reason, CloseInitiator Initiator);

/// <summary>The party that ended a connection.</summary>
public enum CloseInitiator
{
    /// <summary>The client sent the first close frame.</summary>
    Client,

    /// <summary>The application, or the server while draining.</summary>
    Server,

    /// <summary>The engine: broken protocol, a message too big, reading too slowly, an exception in the handler.</summary>
    Engine,

    /// <summary>No party: the transport ended without a closing handshake.</summary>
    Transport,
}
