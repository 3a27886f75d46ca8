using Weir.Client.Transport;

namespace Weir.Client.Reconnecting;

/// <summary>What a client does with its connections, one after another. Called by the task of its <see cref="ConnectionLoop"/> only.</summary>
internal interface ISessions
{
    /// <summary>Uses a connection until it ends. Calls <see cref="ConnectionLoop.Opened"/> once it is of use.</summary>
    Task<ConnectionEnd> ServeAsync(IClientConnection connection, string? token, CancellationToken stop);

    /// <summary>Whether coming back after this may be of use.</summary>
    /// <param name="end">How the connection ended.</param>
    /// <param name="hasConnected">Whether the client has been connected before.</param>
    bool MayReturn(ConnectionEnd end, bool hasConnected);

    /// <summary>Whether this means that another token is needed.</summary>
    bool TokenIsBad(ConnectionEnd end);

    /// <summary>Hands an event to the user, in its order.</summary>
    ValueTask RaiseAsync(ClientEvent what);

    /// <summary>Nothing follows any more but <see cref="Closed"/>: what still waits ends now.</summary>
    void Finish(ConnectionEnd end, Exception? error);
}
