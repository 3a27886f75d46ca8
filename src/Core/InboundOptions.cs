namespace Weir;

/// <summary>How much one client may send. A breach closes the connection with 1008; off by default.</summary>
public sealed class InboundOptions
{
    private int _messagesPerSecond;
    private int _bytesPerSecond;
    private TimeSpan _burst = TimeSpan.FromSeconds(2);

    /// <summary>Messages per second, on average; Pings count as messages. 0, the default: any number.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int MessagesPerSecond
    {
        get => _messagesPerSecond;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _messagesPerSecond = value;
        }
    }

    /// <summary>Bytes per second as received, on average. 0, the default: any number.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int BytesPerSecond
    {
        get => _bytesPerSecond;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _bytesPerSecond = value;
        }
    }

    /// <summary>
    /// What may come at once after a quiet time, as the time in which it would come at the average rate; default 2 seconds.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or negative.</exception>
    public TimeSpan Burst
    {
        get => _burst;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            _burst = value;
        }
    }
}
