namespace Weir.Protocol;

/// <summary>
/// A violation by a peer, as reported in the Close frame. A value, not an exception: misbehaving peers are ordinary input. Every
/// instance is allocated once and shared, so a flood of bad frames creates no garbage.
/// </summary>
/// <param name="Code">The close code to answer with.</param>
/// <param name="Reason">Names the violated rule; at most 123 bytes of UTF-8, to fit the Close frame whole.</param>
internal sealed record ProtocolFault(CloseCode Code, string Reason);
