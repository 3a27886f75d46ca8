namespace Weir.Framing;

/// <summary>
/// What a peer did wrong, as the Close frame will tell it. A value, not an exception: misbehaving peers are ordinary
/// input. Every instance is allocated once and shared, so a flood of bad frames costs no garbage.
/// </summary>
/// <param name="Code">The close code to answer with.</param>
/// <param name="Reason">Names the broken rule; at most 123 bytes of UTF-8, to fit the Close frame whole.</param>
internal sealed record ProtocolFault(CloseCode Code, string Reason);
