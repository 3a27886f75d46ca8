namespace Weir.LoadTest.Client;

/// <summary>What happens to connections; called on the loop's thread.</summary>
internal interface IClientEvents
{
    /// <summary>Upgraded, and the server has answered the greeting: it serves the connection.</summary>
    void OnOpened(Connection connection);

    /// <summary>The connection was not opened.</summary>
    void OnRefused(Connection connection, string why);

    /// <summary>The bytes are the loop's.</summary>
    void OnMessage(Connection connection, ReadOnlySpan<byte> payload);

    /// <summary>The events of one read have all been raised.</summary>
    void OnRead(Connection connection);

    /// <summary>A heartbeat of the server, which has been answered.</summary>
    void OnHeartbeat(Connection connection);

    /// <summary>The server reports that a request failed; the connection stays open.</summary>
    void OnProblem(Connection connection, string what);

    /// <summary>An open connection has ended.</summary>
    void OnEnded(Connection connection, ConnectionEnd end);
}
