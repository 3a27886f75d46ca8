namespace Weir.Client.Centrifugo;

/// <summary>What a <see cref="Session"/> tells the client. Called by the task that reads the connection, but for the last.</summary>
internal interface ISessionOwner
{
    /// <summary>The server has answered the connect. Subscriptions may follow.</summary>
    void OnConnected(Session session, ConnectResult result);

    void OnPush(Session session, Push push);
}
