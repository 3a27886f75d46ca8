namespace Weir.Centrifugo;

/// <summary>
/// What an application does with what clients ask of it itself: put one among the services. One serves all clients, so it must
/// be thread-safe; for one client the calls never overlap, and it is not read meanwhile.
/// </summary>
public abstract class CentrifugoApplication
{
    /// <summary>A client calls a method.</summary>
    /// <param name="client">Who calls.</param>
    /// <param name="method">The method; may be empty.</param>
    /// <param name="data">The argument as JSON, empty when there is none; valid until the call completes.</param>
    /// <returns>The answer. An exception is logged, and told to the client as error 100.</returns>
    public virtual ValueTask<RpcReply> OnRpcAsync(CentrifugoClient client, string method, ReadOnlyMemory<byte> data) => new(RpcReply.MethodNotFound);

    /// <summary>A client has sent a message that wants no answer.</summary>
    /// <param name="client">Who has sent it.</param>
    /// <param name="data">The message as JSON; valid until the call completes.</param>
    public virtual ValueTask OnMessageAsync(CentrifugoClient client, ReadOnlyMemory<byte> data) => ValueTask.CompletedTask;
}
