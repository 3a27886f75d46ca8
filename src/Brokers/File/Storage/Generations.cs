namespace Weir.Brokers.File.Storage;

/// <summary>The generation of a store, which begins with each start, and those before it that rooms still refer to.</summary>
/// <param name="Current">Its id.</param>
/// <param name="Past">The ids of earlier ones, the newest last.</param>
internal sealed record Generations(string Current, IReadOnlyList<string> Past)
{
    /// <summary>How many past generations are kept: a client from before is notified of a loss when it returns.</summary>
    public const int Most = 16;

    /// <summary>The first one of an empty store.</summary>
    public static Generations First(string id) => new(id, []);

    public Generations Next(string id) => new(id, [.. Past.Append(Current).TakeLast(Most)]);
}
