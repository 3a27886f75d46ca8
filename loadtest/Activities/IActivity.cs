using Weir.LoadTest.Client;

namespace Weir.LoadTest.Activities;

/// <summary>What a worker's connections do; on the worker's thread.</summary>
internal interface IActivity
{
    /// <summary>Where a connection has to be.</summary>
    IReadOnlyList<string> RoomsOf(int number);

    /// <summary>SO_RCVBUF of a connection; null: the system's own.</summary>
    int? ReceiveBufferOf(int number) => null;

    /// <summary>All connections are open.</summary>
    void Begin();

    /// <summary>Does what is due.</summary>
    /// <returns>When it must be called again, at the latest.</returns>
    TimeSpan Go();

    /// <summary>No further work is to be begun.</summary>
    void Finish();

    /// <summary>Whether no work is under way any more.</summary>
    bool IsSettled { get; }

    void OnOpened(Connection connection)
    {
    }

    void OnMessage(Connection connection, ReadOnlySpan<byte> payload);

    void OnRead(Connection connection)
    {
    }

    /// <summary>An open connection has ended before its time.</summary>
    EndKind OnEnded(Connection connection, ConnectionEnd end);

    /// <summary>A connection that the activity opened by itself was refused, as it should be.</summary>
    void OnRefused(Connection connection, string why)
    {
    }
}

/// <summary>Why a connection ended, for the activity.</summary>
internal enum EndKind
{
    /// <summary>Without a request of the load test.</summary>
    Lost,

    /// <summary>As the scenario requires.</summary>
    Meant,

    /// <summary>The client closed, and opens again.</summary>
    Leaves,
}
