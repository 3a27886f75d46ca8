namespace Weir.Handshake;

/// <summary>Tells which request paths lead to a WebSocket endpoint.</summary>
internal interface IEndpointLookup
{
    /// <summary>
    /// Whether the path belongs to an endpoint: exact and case-sensitive once percent-decoded. Called for every
    /// new connection, so it must not allocate.
    /// </summary>
    /// <param name="path">The path as sent, still percent-encoded, without the query.</param>
    bool Contains(ReadOnlySpan<byte> path);
}
