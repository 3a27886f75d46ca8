using Weir.Client.Events;
using Weir.Client.Transport;

namespace Weir.Client.Reconnecting;

/// <summary>
/// Runs the protocol of a client on its consecutive connections. Called by the task of its <see cref="ConnectionLoop"/> only.
/// </summary>
internal interface ISessions
{
    /// <summary>Runs the protocol on a connection until it ends. Calls <see cref="ConnectionLoop.Opened"/> once it is usable.</summary>
    Task<ConnectionEnd> ServeAsync(IClientConnection connection, string? token, CancellationToken stop);

    /// <summary>Whether the client may reconnect after this end.</summary>
    /// <param name="end">How the connection ended.</param>
    /// <param name="hasConnected">Whether the client has been connected before.</param>
    bool MayReturn(ConnectionEnd end, bool hasConnected);

    /// <summary>Whether the end means that another token is needed.</summary>
    bool TokenIsBad(ConnectionEnd end);

    /// <summary>Delivers an event to the application, in order.</summary>
    ValueTask RaiseAsync(ClientEvent what);

    /// <summary>Ends the client: queued messages fail, and <see cref="Closed"/> is the last event.</summary>
    void Finish(ConnectionEnd end, Exception? error);
}
