namespace Weir.Client.Sending;

/// <summary>The policy when a queue is full.</summary>
public enum WhenFull
{
    /// <summary>The new message ends as <see cref="Delivery.Failed"/> immediately.</summary>
    RefuseNewest,

    /// <summary>The oldest messages, as many as necessary, end as <see cref="Delivery.Failed"/>.</summary>
    DropOldest,
}
