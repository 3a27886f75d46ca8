using System.Globalization;
using System.Net;

namespace Weir.Host.Settings;

/// <summary>
/// Reads the settings below <c>Weir:</c> and collects their errors: each names the key, the value and what is allowed. A key that
/// is not read is an error too, so that a misspelt limit does not silently become the default.
/// </summary>
internal sealed class SettingsReader(IConfiguration configuration)
{
    private readonly HashSet<string> _known = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<string> _complaints = [];

    /// <summary>Gets all errors, in the order of reading.</summary>
    public IReadOnlyList<string> Complaints => _complaints;

    /// <summary>Gets all keys that have been read, whether they are set or not.</summary>
    public IReadOnlyCollection<string> KeysRead => _known;

    /// <summary>Gets the configuration, for decisions that are not about one value.</summary>
    public IConfiguration Configuration => configuration;

    /// <summary>Reads a value; as all of these methods, null if it is not set, or is not valid, which adds an error.</summary>
    public bool? ReadBool(string key)
        => Read(key) is not { } text ? null
            : bool.TryParse(text, out bool value) ? value
            : Complain<bool>(key, text, "true or false");

    /// <inheritdoc cref="ReadBool"/>
    public int? ReadInt(string key, int least, int most)
        => Read(key) is not { } text ? null
            : int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value)
                && value >= least && value <= most ? value
            : Complain<int>(key, text, string.Create(CultureInfo.InvariantCulture, $"a whole number from {least} to {most}"));

    /// <inheritdoc cref="ReadBool"/>
    /// <param name="leastUnlessZero">Where 0 means off: the least of all other values.</param>
    public TimeSpan? ReadDuration(string key, TimeSpan least, TimeSpan most, TimeSpan? leastUnlessZero = null)
        => Read(key) is not { } text ? null
            : !Duration.TryParse(text, out TimeSpan value) || value < least || value > most
                ? Complain<TimeSpan>(
                    key, text, $"a time from {Duration.Format(least)} to {Duration.Format(most)}, as 10, 10s, 500ms, 2m or 00:00:10")
            : leastUnlessZero is { } above && value > TimeSpan.Zero && value < above
                ? Complain<TimeSpan>(
                    key, Duration.Format(value), $"0 (off) or a time from {Duration.Format(above)} to {Duration.Format(most)}")
            : value;

    /// <summary>Reads one of several words in any case, and returns it as it is in <paramref name="names"/>.</summary>
    /// <inheritdoc cref="ReadBool"/>
    public string? ReadChoice(string key, IReadOnlyList<string> names)
    {
        if (Read(key) is not { } text)
        {
            return null;
        }

        string? name = names.FirstOrDefault(name => name.Equals(text, StringComparison.OrdinalIgnoreCase));
        if (name is null)
        {
            Complain(key, text, "one of " + string.Join(", ", names));
        }

        return name;
    }

    /// <inheritdoc cref="ReadBool"/>
    public string? ReadText(string key) => Read(key);

    /// <summary>Reads networks, and whether <c>unix</c>, for peers on Unix sockets, is among them.</summary>
    public (IReadOnlyList<IPNetwork> Networks, bool UnixSockets)? ReadPeers(string key)
    {
        List<IPNetwork> networks = [];
        bool unixSockets = false;
        foreach (string text in ReadList(key))
        {
            if (IPNetwork.TryParse(text, out IPNetwork network))
            {
                networks.Add(network);
            }
            else if (text.Equals("unix", StringComparison.OrdinalIgnoreCase))
            {
                unixSockets = true;
            }
            else
            {
                Complain(key, text, "a list of networks such as 10.0.0.0/8 or 2001:db8::/32, and unix for peers on a Unix socket");
            }
        }

        return networks.Count > 0 || unixSockets ? (networks, unixSockets) : null;
    }

    /// <summary>Reads a list: one value, several separated by commas, or <c>key:0</c>, <c>key:1</c> and so on.</summary>
    public IReadOnlyList<string> ReadList(string key)
    {
        AddKnown(key);
        IConfigurationSection section = configuration.GetSection(key);
        List<string> values = [];
        foreach (IConfigurationSection child in section.GetChildren())
        {
            AddKnown(child.Path);
            values.Add(child.Value ?? "");
        }

        if (section.Value is { } text)
        {
            values.AddRange(text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
        }

        return values;
    }

    /// <summary>Reads a section of values with names of their own: <c>key:name</c>.</summary>
    public IReadOnlyDictionary<string, string> ReadProperties(string key)
    {
        AddKnown(key);
        Dictionary<string, string> values = new(StringComparer.Ordinal);
        foreach (IConfigurationSection child in configuration.GetSection(key).GetChildren())
        {
            if (child.Value is { } value)
            {
                AddKnown(child.Path);
                values[child.Key] = value;
            }
        }

        return values;
    }

    /// <summary>Returns the keys of a list's entries that are sections, <c>key:0</c>, <c>key:1</c> and so on, in order.</summary>
    public IReadOnlyList<string> ReadEntries(string key)
    {
        List<(int Number, string Key)> entries = [];
        foreach (IConfigurationSection child in configuration.GetSection(key).GetChildren())
        {
            if (int.TryParse(child.Key, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
            {
                entries.Add((number, child.Path));
            }
        }

        return [.. entries.OrderBy(static entry => entry.Number).Select(static entry => entry.Key)];
    }

    /// <summary>Adds an error about a value that its user validates.</summary>
    public void Complain(string key, string was, string allowed) => _complaints.Add($"{key} is '{was}'; allowed is {allowed}.");

    /// <summary>
    /// Adds an error for every key below <paramref name="root"/> that was not read, and for every other key that was probably meant to be
    /// below it; called last.
    /// </summary>
    /// <param name="root">The section of all settings.</param>
    /// <param name="settings">The keys of all settings.</param>
    public void ComplainAboutUnknown(string root, IReadOnlyList<string> settings)
    {
        UnknownKeys unknown = new(root, settings);
        foreach ((string key, string? value) in configuration.AsEnumerable())
        {
            bool isBelowRoot = key.Split(':')[0].Equals(root, StringComparison.OrdinalIgnoreCase);
            if (value is not null && (isBelowRoot ? !_known.Contains(key) : unknown.IsMisspeltRoot(key)))
            {
                _complaints.Add($"{key} is not a setting; {unknown.Advise(key)}. 'check --list' lists all.");
            }
        }
    }

    private string? Read(string key)
    {
        AddKnown(key);
        return configuration[key];
    }

    private void AddKnown(string key) => _known.Add(key);

    private T? Complain<T>(string key, string was, string allowed)
        where T : struct
    {
        Complain(key, was, allowed);
        return null;
    }
}
