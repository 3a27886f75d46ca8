namespace Weir.Redis.Links;

/// <summary>By what a <see cref="LinkRequest"/> is answered.</summary>
internal enum LinkRequestKind
{
    /// <summary>By a reply.</summary>
    Command,

    /// <summary>By a push that says subscribe or ssubscribe, or an error.</summary>
    Subscribe,

    /// <summary>By a push that says unsubscribe or sunsubscribe, or an error.</summary>
    Unsubscribe,
}
