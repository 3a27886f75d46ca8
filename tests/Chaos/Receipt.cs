namespace Weir.Chaos;

/// <summary>A message or a loss that a listener received, or a mark between them.</summary>
/// <param name="Position">The event's position; <c>null</c>: it had none.</param>
/// <param name="Text">The message; <c>null</c>: publications were lost, and it continues after the position.</param>
internal sealed record Receipt(Position? Position, string? Text)
{
    /// <summary>A mark: what follows came on another connection.</summary>
    public static Receipt NewConnection { get; } = new(null, "");

    /// <summary>
    /// Whether this is a mark: the client requested to continue from the position, and the server does. Later deliveries are
    /// repeated.
    /// </summary>
    public bool IsResumption { get; init; }

    /// <summary>Whether this is a message, neither a loss nor a mark.</summary>
    public bool IsMessage => Text is { Length: > 0 };
}
