using System.Diagnostics.CodeAnalysis;

namespace Weir.Limits;

/// <summary>The recent traffic of one client, compared with an <see cref="InboundLimit"/>. The client's receive loop owns it.</summary>
[Experimental("WEIR001")]
public sealed class InboundMeter
{
    private readonly InboundLimit _limit;
    private TokenBucket _messages;
    private TokenBucket _bytes;

    internal InboundMeter(InboundLimit limit, long now)
    {
        _limit = limit;
        _messages = new TokenBucket(limit.MessageBurst, now);
        _bytes = new TokenBucket(limit.ByteBurst, now);
    }

    /// <summary>Counts a message.</summary>
    /// <param name="now">The time in ticks of the limit.</param>
    /// <returns><c>false</c> if it exceeds the limit; it is not counted then.</returns>
    public bool AllowsMessage(long now) => AllowsMessages(1, now);

    /// <summary>Counts bytes.</summary>
    /// <param name="count">How many.</param>
    /// <param name="now">The time in ticks of the limit.</param>
    /// <returns><c>false</c> if they exceed the limit; they are not counted then.</returns>
    public bool AllowsBytes(long count, long now)
        => _limit.BytesPerTick == 0 || _bytes.TryTake(count, _limit.BytesPerTick, _limit.ByteBurst, now);

    internal bool AllowsMessages(int count, long now)
        => _limit.MessagesPerTick == 0 || _messages.TryTake(count, _limit.MessagesPerTick, _limit.MessageBurst, now);
}
