namespace Weir.Client.Centrifugo;

/// <summary>Receives the events of a <see cref="ProtocolConnection"/>, on the task that reads the connection.</summary>
internal interface ISessionOwner
{
    /// <summary>Called when the server has replied to the connect command; subscriptions may follow.</summary>
    void OnConnected(ProtocolConnection session, ConnectReply result);

    void OnPush(ProtocolConnection session, ServerPush push);
}
