namespace Weir.Chaos;

/// <summary>What a listener was told.</summary>
/// <param name="Position">The event's id; null: it had none.</param>
/// <param name="Text">The message; null: publications were lost, and it goes on after the position.</param>
internal sealed record Heard(Position? Position, string? Text);
