using System.Buffers;
using Weir.Protocol;

namespace Weir.Connections;

/// <summary>One whole data message as received: unmasked, decompressed, and checked if it is text.</summary>
/// <param name="Payload">The content, possibly in several segments. Valid until the handler's task completes.</param>
/// <param name="Kind">Text or binary.</param>
public readonly record struct WeirMessage(ReadOnlySequence<byte> Payload, MessageKind Kind);

/// <summary>A piece of a data message, see <see cref="WeirHandler.OnFragmentAsync"/>.</summary>
/// <param name="Payload">The content of this piece; may be empty, in the last one for example.</param>
/// <param name="Kind">The kind of the whole message.</param>
/// <param name="IsFirst">True for the first piece of a message.</param>
/// <param name="IsLast">True for the last piece of a message; a message in one piece is both.</param>
public readonly record struct WeirFragment(ReadOnlySequence<byte> Payload, MessageKind Kind, bool IsFirst, bool IsLast);
