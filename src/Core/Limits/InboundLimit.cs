using Weir.Protocol;

namespace Weir.Limits;

/// <summary>
/// The limits of an endpoint for one client's messages and bytes; shared by its connections. In ticks of the timer wheel.
/// </summary>
internal sealed class InboundLimit
{
    private readonly double _messagesPerTick;
    private readonly double _messageBurst;
    private readonly double _bytesPerTick;
    private readonly double _byteBurst;

    private InboundLimit(InboundSettings settings, TimeSpan tick)
    {
        _messagesPerTick = settings.MessagesPerSecond * tick.TotalSeconds;
        _messageBurst = Math.Max(1, settings.MessagesPerSecond * settings.Burst.TotalSeconds);
        _bytesPerTick = settings.BytesPerSecond * tick.TotalSeconds;
        _byteBurst = settings.BytesPerSecond * settings.Burst.TotalSeconds;
        TooManyMessages = new ProtocolFault(settings.CloseCode, settings.CloseReason ?? "too many messages per second");
        TooManyBytes = new ProtocolFault(settings.CloseCode, settings.CloseReason ?? "too many bytes per second");
    }

    /// <summary>The fault that closes a connection which exceeds the limit.</summary>
    public ProtocolFault TooManyMessages { get; }

    /// <inheritdoc cref="TooManyMessages"/>
    public ProtocolFault TooManyBytes { get; }

    /// <summary><c>null</c> if there is no limit: then a connection holds no meter either.</summary>
    public static InboundLimit? From(InboundSettings settings, TimeSpan tick)
        => settings.MessagesPerSecond == 0 && settings.BytesPerSecond == 0 ? null : new InboundLimit(settings, tick);

    public Meter Start(long now) => new(this, now);

    /// <summary>The recent traffic of one client. Its receive loop owns it.</summary>
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
