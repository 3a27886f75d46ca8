using Weir.Protocol;

namespace Weir.Closing;

/// <summary>How a connection ended.</summary>
/// <param name="Code">
/// The code of the first close frame sent or received; <see cref="CloseCode.Abnormal"/> when the transport ended without
/// one, <see cref="CloseCode.NoStatus"/> when the client's close frame had none.
/// </param>
/// <param name="Reason">
/// The text of that close frame, often empty. The client's if the cause is <see cref="CloseCause.ClientClosed"/>: treat it as input.
/// </param>
/// <param name="Cause">Why it ended.</param>
public readonly record struct WeirClosure(CloseCode Code, string Reason, CloseCause Cause)
{
    /// <summary>The party that ended it, which follows from the cause.</summary>
    public CloseInitiator Initiator => CloseCauses.InitiatorOf(Cause);

    /// <summary>The reason if it is the server's; empty if the client sent it.</summary>
    internal string OwnReason => Cause == CloseCause.ClientClosed ? "" : Reason;

    /// <summary>An end without a close frame.</summary>
    internal static WeirClosure Abort(CloseCause cause) => new(CloseCode.Abnormal, "", cause);

    /// <summary>A close frame of the client.</summary>
    internal static WeirClosure ByClient(CloseCode code, string reason) => new(code, reason, CloseCause.ClientClosed);

    /// <summary>An exception of the application, whose text a client never sees.</summary>
    internal static WeirClosure HandlerFailed() => new(CloseCode.InternalError, "internal error", CloseCause.HandlerFailed);

    /// <summary>A fault in what the client sent.</summary>
    internal static WeirClosure Of(ProtocolFault fault) => new(fault.Code, fault.Reason, CloseCauses.Of(fault));

    /// <summary>More messages or bytes than the client's limit.</summary>
    internal static WeirClosure RateLimited(ProtocolFault fault) => new(fault.Code, fault.Reason, CloseCause.RateLimited);

    /// <summary>The client did not answer in time: replaces a close of the application, which is no fault, and no other cause.</summary>
    internal WeirClosure TimedOut() => Cause == CloseCause.ApplicationClosed ? this with { Cause = CloseCause.CloseTimeout } : this;
}

/// <summary>The party that ended a connection.</summary>
public enum CloseInitiator
{
    /// <summary>The client sent the first close frame.</summary>
    Client,

    /// <summary>The application, an operator, or the server while draining.</summary>
    Server,

    /// <summary>
    /// The engine or a protocol on it: broken protocol, a message too big, reading too slowly, a timeout, an exception in the handler.
    /// </summary>
    Engine,

    /// <summary>No party: the transport ended without a closing handshake.</summary>
    Transport,
}
