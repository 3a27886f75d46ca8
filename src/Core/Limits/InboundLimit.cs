using System.Diagnostics.CodeAnalysis;
using Weir.Protocol;

namespace Weir.Limits;

/// <summary>
/// The limits of an endpoint for one client's messages and bytes; shared by its clients. Time is in ticks, whose length the creator
/// chooses. Immutable, so thread-safe. Created by <c>InboundOptions.CreateLimit</c>.
/// </summary>
[Experimental("WEIR001")]
public sealed class InboundLimit
{
    internal readonly double MessagesPerTick;
    internal readonly double MessageBurst;
    internal readonly double BytesPerTick;
    internal readonly double ByteBurst;

    private InboundLimit(InboundSettings settings, TimeSpan tick)
    {
        MessagesPerTick = settings.MessagesPerSecond * tick.TotalSeconds;
        MessageBurst = Math.Max(1, settings.MessagesPerSecond * settings.Burst.TotalSeconds);
        BytesPerTick = settings.BytesPerSecond * tick.TotalSeconds;
        ByteBurst = settings.BytesPerSecond * settings.Burst.TotalSeconds;
        TooManyMessages = new ProtocolFault(settings.CloseCode, settings.CloseReason ?? "too many messages per second");
        TooManyBytes = new ProtocolFault(settings.CloseCode, settings.CloseReason ?? "too many bytes per second");
    }

    /// <summary>The fault that closes a connection which exceeds the limit.</summary>
    internal ProtocolFault TooManyMessages { get; }

    /// <inheritdoc cref="TooManyMessages"/>
    internal ProtocolFault TooManyBytes { get; }

    /// <summary><c>null</c> if there is no limit: then a connection holds no meter either.</summary>
    internal static InboundLimit? From(InboundSettings settings, TimeSpan tick)
        => settings.MessagesPerSecond == 0 && settings.BytesPerSecond == 0 ? null : new InboundLimit(settings, tick);

    /// <summary>Begins to count one client's traffic.</summary>
    /// <param name="now">The time in ticks, from any start.</param>
    public InboundMeter Start(long now) => new(this, now);
}
