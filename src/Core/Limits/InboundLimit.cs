using Weir.Framing;

namespace Weir.Limits;

/// <summary>What an endpoint allows one client to send; shared by its connections. In ticks of the timer wheel.</summary>
internal sealed class InboundLimit
{
    private readonly double _messagesPerTick;
    private readonly double _messageBurst;
    private readonly double _bytesPerTick;
    private readonly double _byteBurst;

    private InboundLimit(InboundOptions options, TimeSpan tick)
    {
        _messagesPerTick = options.MessagesPerSecond * tick.TotalSeconds;
        _messageBurst = Math.Max(1, options.MessagesPerSecond * options.Burst.TotalSeconds);
        _bytesPerTick = options.BytesPerSecond * tick.TotalSeconds;
        _byteBurst = options.BytesPerSecond * options.Burst.TotalSeconds;
        TooManyMessages = new ProtocolFault(options.CloseCode, options.CloseReason ?? "too many messages per second");
        TooManyBytes = new ProtocolFault(options.CloseCode, options.CloseReason ?? "too many bytes per second");
    }

    /// <summary>What a connection is closed with that sends more messages.</summary>
    public ProtocolFault TooManyMessages { get; }

    /// <inheritdoc cref="TooManyMessages"/>
    public ProtocolFault TooManyBytes { get; }

    /// <summary>Null when there is no limit: then a connection holds no meter either.</summary>
    public static InboundLimit? From(InboundOptions options, TimeSpan tick)
        => options.MessagesPerSecond == 0 && options.BytesPerSecond == 0 ? null : new InboundLimit(options, tick);

    public Meter Start(long now) => new(this, now);

    /// <summary>What one client has sent of late. Its receive loop owns it.</summary>
    internal sealed class Meter(InboundLimit limit, long now)
    {
        private TokenBucket _messages = new(limit._messageBurst, now);
        private TokenBucket _bytes = new(limit._byteBurst, now);

        public bool AllowsMessage(long now) => AllowsMessages(1, now);

        public bool AllowsMessages(int count, long now)
            => limit._messagesPerTick == 0 || _messages.TryTake(count, limit._messagesPerTick, limit._messageBurst, now);

        public bool AllowsBytes(long count, long now)
            => limit._bytesPerTick == 0 || _bytes.TryTake(count, limit._bytesPerTick, limit._byteBurst, now);
    }
}
