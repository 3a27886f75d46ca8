using Weir.Brokers.Nats.Connection;
using Weir.Brokers.Nats.Wire;

namespace Weir.Brokers.Nats.Announcing;

/// <summary>A message that is announced and not stored.</summary>
/// <param name="Subject">Its subject.</param>
/// <param name="Type">Its type; several publications of a subject become one message.</param>
/// <param name="Body">A publication, or the rest of the message.</param>
/// <param name="Confirmation">Completed when the server has taken it; <c>null</c>: not reported.</param>
internal readonly record struct OutgoingMessage(string Subject, MessageType Type, byte[] Body, PendingReply<bool>? Confirmation);
