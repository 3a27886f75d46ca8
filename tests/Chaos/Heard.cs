namespace Weir.Chaos;

/// <summary>What a listener was given.</summary>
/// <param name="Position">The event's position; <c>null</c>: it had none.</param>
/// <param name="Text">The message; <c>null</c>: publications were lost, and it goes on after the position.</param>
internal sealed record Heard(Position? Position, string? Text)
{
    /// <summary>A mark: what follows came on another connection.</summary>
    public static Heard NewConnection { get; } = new(null, "");

    /// <summary>
    /// Whether this is a mark: the client asked to go on from the position, and the server does. What it was given beyond that is given
    /// again.
    /// </summary>
    public bool IsResumption { get; init; }

    /// <summary>Whether this is a message, neither a word of a loss nor a mark.</summary>
    public bool IsMessage => Text is { Length: > 0 };
}
