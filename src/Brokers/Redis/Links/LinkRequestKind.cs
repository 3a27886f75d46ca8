namespace Weir.Brokers.Redis.Links;

/// <summary>How Redis replies to a <see cref="LinkRequest"/>.</summary>
internal enum LinkRequestKind
{
    /// <summary>With a reply.</summary>
    Command,

    /// <summary>With a push of type subscribe or ssubscribe, or an error.</summary>
    Subscribe,

    /// <summary>With a push of type unsubscribe or sunsubscribe, or an error.</summary>
    Unsubscribe,
}
