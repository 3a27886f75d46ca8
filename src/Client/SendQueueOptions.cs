namespace Weir.Client;

/// <summary>
/// What waits to be sent, because there is no connection or it is slower than its user. What waits when a connection is lost is sent
/// on the next one; only what was being sent, or had no answer, in that moment is <see cref="Delivery.Unknown"/>.
/// </summary>
public sealed class SendQueueOptions
{
    /// <summary>The most that may wait, in messages. Default 1,000.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public int MaxMessages { get; set => field = Check.Positive(value); } = 1000;

    /// <summary>The most that may wait, in bytes of messages. Default 4 MiB. A single message above it is never taken.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public int MaxBytes { get; set => field = Check.Positive(value); } = 4 << 20;

    /// <summary>What happens to one message too many. Default <see cref="WhenFull.RefuseNewest"/>.</summary>
    public WhenFull WhenFull { get; set; }
}
