namespace Weir.Protocols.Centrifugo.Applications;

/// <summary>
/// Handles the RPCs and messages that clients send to the application; register one among the services. One instance serves all
/// clients, so it must be thread-safe; calls for one client never overlap, and no further frame of the client is read meanwhile.
/// </summary>
public abstract class CentrifugoApplication
{
    /// <summary>Handles an RPC of a client.</summary>
    /// <param name="client">The calling client.</param>
    /// <param name="method">The method; may be empty.</param>
    /// <param name="data">The argument as JSON, empty if there is none; valid until the call completes.</param>
    /// <returns>The reply. An exception is logged, and the client receives error 100.</returns>
    public virtual ValueTask<RpcReply> OnRpcAsync(CentrifugoSession client, string method, ReadOnlyMemory<byte> data)
        => new(RpcReply.MethodNotFound);

    /// <summary>Handles a message that expects no reply.</summary>
    /// <param name="client">The sending client.</param>
    /// <param name="data">The message as JSON; valid until the call completes.</param>
    public virtual ValueTask OnMessageAsync(CentrifugoSession client, ReadOnlyMemory<byte> data) => ValueTask.CompletedTask;
}
