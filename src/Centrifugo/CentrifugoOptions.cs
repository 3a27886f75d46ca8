namespace Weir.Centrifugo;

/// <summary>The settings of Centrifugo's client protocol. Read once, when the application is built.</summary>
/// <remarks>
/// What holds for connections as such is set where the path is served: <see cref="WeirOptions"/>. How rooms are kept is the
/// relay's: <see cref="Weir.Relay.RoomRule"/>; how many a client may be in, <see cref="RoomOptions.MaxRoomsPerConnection"/>.
/// </remarks>
public sealed class CentrifugoOptions
{
    private TimeSpan _connectTimeout = TimeSpan.FromSeconds(10);
    private TimeSpan _expiryGrace = TimeSpan.FromSeconds(25);
    private int _maxPublicationsPerReply = 10_000;

    /// <summary>How long a client may take to send its connect; default 10 seconds. Then it is closed with 3502.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative, or more than 24 days.</exception>
    public TimeSpan ConnectTimeout
    {
        get => _connectTimeout;
        set => _connectTimeout = OptionRange.Positive(value);
    }

    /// <summary>
    /// How long after its token has expired a client may still come with a new one; default 25 seconds. SDKs ask for it when the
    /// old one ends. Then the connection is closed with 3005, or the subscription ended with 2501.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 24 days.</exception>
    public TimeSpan ExpiryGrace
    {
        get => _expiryGrace;
        set => _expiryGrace = OptionRange.NotNegative(value);
    }

    /// <summary>
    /// The most publications of one reply; default 10,000. A history is cut there, and a client that has missed more is not
    /// recovered.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxPublicationsPerReply
    {
        get => _maxPublicationsPerReply;
        set => _maxPublicationsPerReply = OptionRange.Number(value, 1, int.MaxValue);
    }
}
