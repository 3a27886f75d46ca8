using Weir.Client.Sending;
using Weir.Client.Validation;

namespace Weir.Client;

/// <summary>
/// Limits of the send queue, which holds messages while there is no connection or it is slower than the application. Messages
/// queued when a connection is lost are sent on the next one; only those being sent or unanswered at that moment are
/// <see cref="Delivery.Unknown"/>.
/// </summary>
public sealed class SendQueueOptions
{
    /// <summary>The maximum number of queued messages. Default 1,000.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public int MaxMessages { get; set => field = Check.Positive(value); } = 1000;

    /// <summary>The maximum size of queued messages, in bytes. Default 4 MiB. A single larger message is never accepted.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public int MaxBytes { get; set => field = Check.Positive(value); } = 4 << 20;

    /// <summary>The policy when the queue is full. Default <see cref="WhenFull.RefuseNewest"/>.</summary>
    public WhenFull WhenFull { get; set; }
}
