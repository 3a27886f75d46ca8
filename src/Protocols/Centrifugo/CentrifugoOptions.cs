using Weir.Protocols.Centrifugo.Sessions;
using Weir.Validation;

namespace Weir.Protocols.Centrifugo;

/// <summary>The settings of Centrifugo's client protocol. Read once, when the application is built.</summary>
/// <remarks>
/// Settings of connections are set where the path is served: <see cref="WeirOptions"/>. Rules of rooms belong to the relay:
/// <see cref="Weir.Relay.Brokers.RoomRule"/>; the rooms of a client are limited by <see cref="Weir.Rooms.RoomOptions.MaxRoomsPerConnection"/>.
/// </remarks>
public sealed class CentrifugoOptions
{
    private TimeSpan _connectTimeout = TimeSpan.FromSeconds(10);
    private TimeSpan _expiryGrace = TimeSpan.FromSeconds(25);
    private int _maxPublicationsPerReply = 10_000;

    /// <summary>The timeout for a client's connect command; default 10 seconds. Then the connection is closed with 3502.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative, or more than 24 days.</exception>
    public TimeSpan ConnectTimeout
    {
        get => _connectTimeout;
        set => _connectTimeout = OptionRange.Positive(value);
    }

    /// <summary>
    /// How long after its token has expired a client may still send a new one; default 25 seconds. SDKs fetch it when the old one
    /// expires. Then the connection is closed with 3005, or the subscription is ended with 2501.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 24 days.</exception>
    public TimeSpan ExpiryGrace
    {
        get => _expiryGrace;
        set => _expiryGrace = OptionRange.NotNegative(value);
    }

    /// <summary>
    /// The maximum number of publications in one reply; default 10,000. A longer history is truncated, and a client that has
    /// missed more is not recovered.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxPublicationsPerReply
    {
        get => _maxPublicationsPerReply;
        set => _maxPublicationsPerReply = OptionRange.Number(value, 1, int.MaxValue);
    }

    internal CentrifugoSettings ToSettings() => new(ConnectTimeout, ExpiryGrace, MaxPublicationsPerReply);
}
