using Weir.Rooms;

namespace Weir.Sending;

/// <summary>Something with members that a run of messages can be delivered to: a room.</summary>
internal interface IPublicationTarget
{
    /// <summary>
    /// Sends <paramref name="run"/> to every member but <paramref name="except"/> (null: to all). A run with a
    /// <paramref name="key"/>, or with <paramref name="copies"/>, holds one message; members that another of its copies was
    /// sent to are left out.
    /// </summary>
    void Deliver(FrameRun run, object? except, string? key, MessageCopies? copies);
}
