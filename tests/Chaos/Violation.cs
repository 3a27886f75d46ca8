namespace Weir.Chaos;

/// <summary>Something that may not be.</summary>
/// <param name="Kind">What all of its kind have in common.</param>
/// <param name="Way">The protocol and transport where it was found.</param>
/// <param name="Text">What exactly happened.</param>
internal sealed record Violation(string Kind, string Way, string Text)
{
    /// <summary>Counts by kind and way, most frequent first, each with its first example; one line each.</summary>
    public static IReadOnlyList<string> Summarize(IEnumerable<Violation> violations) =>
    [
        .. violations.GroupBy(static violation => (violation.Kind, violation.Way)).OrderByDescending(static group => group.Count())
            .Select(static group => $"{group.Count()} x {group.Key.Kind}, {group.Key.Way}; the first: {group.First()}"),
    ];

    public override string ToString() => Text;
}
