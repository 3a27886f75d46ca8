using System.Net;
using Weir.Handshake;

namespace Weir.Limits;

/// <summary>
/// Admits or refuses connections: the node's limits, and whether it drains. An admitted connection holds an admission until it
/// ends. Thread-safe; a node without limits pays two interlocked additions.
/// </summary>
internal sealed class NodeGate
{
    /// <summary>Turns are spaced for this share of the rate: the rest is for clients that connect for the first time.</summary>
    private const double ShareOfTurns = 0.8;

    /// <summary>For clients that connect while the server drains.</summary>
    public static readonly HandshakeRefusal Draining =
        HandshakeRefusal.Temporary(503, "The server is shutting down.", 1, "draining");

    private static readonly HandshakeRefusal _full =
        HandshakeRefusal.Temporary(503, "The server has reached its limit of connections.", 10, "connections");

    private static readonly HandshakeRefusal _tooFast =
        HandshakeRefusal.Temporary(503, "Too many handshakes at once.", 1, "handshake_rate");

    private static readonly HandshakeRefusal _addressFull =
        HandshakeRefusal.Temporary(429, "Too many connections from this address.", 10, "connections_per_address");

    /// <summary>The longest wait for a turn: beyond it clients are spread at random.</summary>
    private static readonly TimeSpan _longestTurn = TimeSpan.FromMinutes(5);

    private readonly GateSettings _settings;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly Dictionary<AddressKey, int> _perAddress = [];
    private readonly double _burst;
    private TokenBucket _handshakes;
    private double _lastTurn;
    private int _count;
    private volatile bool _isDraining;

    public NodeGate(GateSettings settings, TimeProvider time)
    {
        _settings = settings;
        _time = time;
        _burst = Math.Max(1, settings.HandshakeBurst > 0 ? settings.HandshakeBurst : settings.HandshakesPerSecond);
        _handshakes = new TokenBucket(_burst, time.GetTimestamp());
    }

    /// <summary>Admissions held.</summary>
    public int Count => Volatile.Read(ref _count);

    public bool IsDraining => _isDraining;

    /// <summary>Refuses all further connections.</summary>
    public void Drain() => _isDraining = true;

    /// <summary>Returns <c>null</c> if the connection is admitted; <see cref="Leave"/> must follow.</summary>
    public HandshakeRefusal? Enter(IPAddress? address)
    {
        if (_isDraining)
        {
            return Draining;
        }

        if (Interlocked.Increment(ref _count) > _settings.MaxConnections && _settings.MaxConnections > 0)
        {
            Interlocked.Decrement(ref _count);
            return _full;
        }

        HandshakeRefusal? refusal = CountHandshake() ?? CountAddress(address);
        if (refusal is not null)
        {
            Interlocked.Decrement(ref _count);
        }

        return refusal;
    }

    /// <summary>Releases the admission, once, with the address it was granted for.</summary>
    public void Leave(IPAddress? address)
    {
        Interlocked.Decrement(ref _count);
        if (_settings.MaxConnectionsPerAddress == 0 || AddressKey.Of(address) is not { } key)
        {
            return;
        }

        lock (_gate)
        {
            int left = _perAddress[key] - 1;
            if (left == 0)
            {
                _perAddress.Remove(key);
            }
            else
            {
                _perAddress[key] = left;
            }
        }
    }

    /// <summary>
    /// How long a refused client is to wait, if its protocol has a field for it. Clients beyond the rate of handshakes get turns,
    /// one after another at four fifths of the rate, so that each returns when it can be admitted. After another temporary
    /// refusal it is the refusal's own time, from half of it to three halves, so that clients which were refused together return
    /// apart.
    /// </summary>
    /// <param name="refusal">The refusal; a temporary one.</param>
    public TimeSpan WaitAfter(HandshakeRefusal refusal)
    {
        TimeSpan least = refusal.RetryAfter ?? TimeSpan.Zero;
        if (!ReferenceEquals(refusal, _tooFast))
        {
            return least * (0.5 + Random.Shared.NextDouble());
        }

        long now = _time.GetTimestamp();
        double frequency = _time.TimestampFrequency;
        lock (_gate)
        {
            double turn = Math.Max(
                _lastTurn + (frequency / (_settings.HandshakesPerSecond * ShareOfTurns)), now + (least.TotalSeconds * frequency));
            TimeSpan wait = TimeSpan.FromSeconds((turn - now) / frequency);
            if (wait > _longestTurn)
            {
                return _longestTurn * (0.5 + (0.5 * Random.Shared.NextDouble()));
            }

            _lastTurn = turn;
            return wait;
        }
    }

    private HandshakeRefusal? CountHandshake()
    {
        if (_settings.HandshakesPerSecond == 0)
        {
            return null;
        }

        long now = _time.GetTimestamp();
        lock (_gate)
        {
            double perTick = (double)_settings.HandshakesPerSecond / _time.TimestampFrequency;
            return _handshakes.TryTake(1, perTick, _burst, now) ? null : _tooFast;
        }
    }

    private HandshakeRefusal? CountAddress(IPAddress? address)
    {
        if (_settings.MaxConnectionsPerAddress == 0 || AddressKey.Of(address) is not { } key)
        {
            return null;
        }

        lock (_gate)
        {
            int count = _perAddress.GetValueOrDefault(key);
            if (count >= _settings.MaxConnectionsPerAddress)
            {
                return _addressFull;
            }

            _perAddress[key] = count + 1;
            return null;
        }
    }
}
