namespace Weir.Handshake;

/// <summary>Determines which request paths belong to a WebSocket endpoint.</summary>
internal interface IEndpointLookup
{
    /// <summary>
    /// Returns whether the path belongs to an endpoint: exact and case-sensitive once percent-decoded. Called for every new
    /// connection, so it must not allocate.
    /// </summary>
    /// <param name="path">The path as sent, still percent-encoded, without the query.</param>
    bool Contains(ReadOnlySpan<byte> path);
}
