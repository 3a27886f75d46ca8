using System.Diagnostics.Metrics;

namespace Weir.Diagnostics;

/// <summary>
/// The number of connections per state. Counted whether or not a listener is attached, so that increments and decrements stay
/// paired; the connections themselves hold no state for it. Thread-safe.
/// </summary>
internal sealed class ConnectionStates
{
    private long _handshake;
    private long _open;
    private long _closing;

    /// <summary>A listener has accepted a connection and waits for its first request.</summary>
    public void HandshakeBegan() => Interlocked.Increment(ref _handshake);

    /// <summary>That request was answered, passed on, or did not arrive.</summary>
    public void HandshakeEnded() => Interlocked.Decrement(ref _handshake);

    public void Opened() => Interlocked.Increment(ref _open);

    /// <summary>An open connection has begun to close; once per connection.</summary>
    public void CloseBegan()
    {
        Interlocked.Decrement(ref _open);
        Interlocked.Increment(ref _closing);
    }

    /// <summary>A closing connection has ended.</summary>
    public void Closed() => Interlocked.Decrement(ref _closing);

    public IEnumerable<Measurement<long>> Measure() =>
    [
        Of("handshake", ref _handshake),
        Of("open", ref _open),
        Of("closing", ref _closing),
    ];

    private static Measurement<long> Of(string state, ref long count)
        => new(Volatile.Read(ref count), new KeyValuePair<string, object?>("weir.connection.state", state));
}
