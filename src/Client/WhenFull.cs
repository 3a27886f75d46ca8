namespace Weir.Client;

/// <summary>What gives way when a queue is full.</summary>
public enum WhenFull
{
    /// <summary>The new message: it ends as <see cref="Delivery.Failed"/> at once.</summary>
    RefuseNewest,

    /// <summary>Those that have waited longest, as many as it takes: they end as <see cref="Delivery.Failed"/>.</summary>
    DropOldest,
}
