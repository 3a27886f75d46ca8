namespace Weir.Host.Settings;

/// <summary>
/// Keys that are no settings: which of them were probably meant to be one, and which setting that is. The configuration also holds keys of
/// others (Kestrel's, those of logging, every variable of the environment), so a key outside of the root is a mistake only if it is
/// like a setting.
/// </summary>
/// <param name="root">The section of all settings.</param>
/// <param name="settings">The keys of all settings.</param>
internal sealed class UnknownKeys(string root, IReadOnlyList<string> settings)
{
    private const int Typo = 2; // letters by which a key outside of the root may differ

    private readonly string _root = KeyDistance.Simplify(root);

    /// <summary>Returns whether the key was probably meant to be below the root: <c>Wier:Echo</c>, <c>Weir_Echo:Enabled</c>.</summary>
    public bool IsMisspeltRoot(string key)
    {
        string[] parts = key.Split(':');
        string section = KeyDistance.Simplify(parts[0]);
        bool isLike = parts.Length > 1
            && (section.StartsWith(_root, StringComparison.Ordinal) || KeyDistance.Between(section, _root) <= 1);
        return isLike || Nearest(KeyDistance.Simplify(key)).Distance <= Typo;
    }

    /// <summary>Returns what the operator probably meant, as the end of a sentence.</summary>
    public string Advise(string key)
    {
        string simple = KeyDistance.Simplify(key);
        (string nearest, int distance) = Nearest(simple);
        string name = KeyDistance.Simplify(key.Split(':')[^1]);
        string? meant = distance <= Math.Max(Typo, simple.Length / 4)
            ? nearest
            : settings.FirstOrDefault(setting => KeyDistance.Simplify(setting.Split(':')[^1]) == name);
        if (meant is not null)
        {
            string variable = key.Contains('_', StringComparison.Ordinal)
                ? $", in the environment {meant.Replace(":", "__", StringComparison.Ordinal)}" : "";
            return $"the nearest is {meant}{variable}";
        }

        string[] ofSection = SettingsOf(key) is { Length: > 0 } own ? own : SettingsOf(SectionOf(key));
        return ofSection.Length > 0 ? $"those of the section are {string.Join(", ", ofSection)}"
            : $"the sections are {string.Join(", ", settings.Select(SectionOf).Distinct())}";
    }

    private string[] SettingsOf(string section)
        => [.. settings.Where(setting => SectionOf(setting).Equals(section, StringComparison.OrdinalIgnoreCase))];

    private (string Key, int Distance) Nearest(string simple)
        => settings.Select(setting => (Key: setting, Distance: KeyDistance.Between(simple, KeyDistance.Simplify(setting))))
            .MinBy(static pair => pair.Distance);

    private static string SectionOf(string key) => key.Contains(':', StringComparison.Ordinal) ? key[..key.LastIndexOf(':')] : key;
}
