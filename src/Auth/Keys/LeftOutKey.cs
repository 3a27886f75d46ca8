namespace Weir.Auth.Keys;

/// <summary>A member of a key set that is not used.</summary>
internal readonly record struct LeftOutKey
{
    private const int LongestName = 80;

    public LeftOutKey(string name, string reason)
    {
        // The set may come from the network: as JSON the name has no line breaks that end a line of the log.
        Name = name.Length <= LongestName ? name : name[..LongestName] + "...";
        Reason = reason;
    }

    /// <summary>Its <c>kid</c>, as JSON; its position in the set if it has none.</summary>
    public string Name { get; }

    /// <summary>Why it is not used.</summary>
    public string Reason { get; }
}
