using Weir.Client.Transport;

namespace Weir.Client.Reconnecting;

/// <summary>What a client does with its connections, one after another. Called by the task of its <see cref="ConnectionLoop"/> only.</summary>
internal interface ISessions
{
    /// <summary>Uses a connection until it ends. Calls <see cref="ConnectionLoop.Opened"/> once it is of use.</summary>
    Task<ConnectionEnd> ServeAsync(IClientConnection connection, string? token, CancellationToken stop);

    /// <summary>Whether coming back after this may be of use.</summary>
    bool MayReturn(ConnectionEnd end);

    /// <summary>Whether this means that another token is needed.</summary>
    bool TokenIsBad(ConnectionEnd end);

    /// <summary>Tells the user.</summary>
    ValueTask RaiseAsync(ClientEvent what);

    /// <summary>Nothing follows any more: what still waits ends now.</summary>
    void Finish(ConnectionEnd end, Exception? error);
}
