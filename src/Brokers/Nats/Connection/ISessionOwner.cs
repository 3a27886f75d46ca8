namespace Weir.Brokers.Nats.Connection;

/// <summary>Is notified by a session, on any thread.</summary>
internal interface ISessionOwner
{
    /// <summary>The connection is lost. Called once per session.</summary>
    void OnSessionEnded(Session session, string reason);

    /// <summary>The server reported an error, such as a missing permission.</summary>
    void OnServerError(Session session, string error);

    /// <summary>The server is about to stop, and closes the connection later.</summary>
    void OnLameDuck(Session session);
}
