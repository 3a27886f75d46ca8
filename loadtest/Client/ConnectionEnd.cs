namespace Weir.LoadTest.Client;

/// <summary>How a connection ended.</summary>
/// <param name="Code">Of the server's close frame; 1006 when none came.</param>
/// <param name="Reason">Of that frame; else what happened.</param>
internal readonly record struct ConnectionEnd(int Code, string Reason)
{
    public const int NoCloseFrame = 1006;

    public static ConnectionEnd Cut(string how) => new(NoCloseFrame, how);
}

/// <summary>What happens to connections; called on the loop's thread.</summary>
internal interface IClientEvents
{
    /// <summary>Upgraded, and the server has answered a Ping: it has taken the connection up.</summary>
    void OnOpened(Connection connection);

    /// <summary>It did not come to that.</summary>
    void OnRefused(Connection connection, string why);

    void OnMessage(Connection connection, ReadOnlySpan<byte> payload);

    /// <summary>An open connection has ended.</summary>
    void OnEnded(Connection connection, ConnectionEnd end);
}
