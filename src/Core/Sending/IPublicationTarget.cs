
namespace Weir.Sending;

/// <summary>A target with members to which a batch of messages can be delivered: a room.</summary>
internal interface IPublicationTarget
{
    /// <summary>
    /// Sends <paramref name="batch"/> to every member but <paramref name="except"/> (<c>null</c>: to all). A batch with a
    /// <paramref name="key"/> or with <paramref name="copies"/> holds one message; members that were sent another of its copies
    /// are left out.
    /// </summary>
    void Deliver(SharedFrames batch, object? except, string? key, IMessageCopies? copies);
}
