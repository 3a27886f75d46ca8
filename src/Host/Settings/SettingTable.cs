using System.Globalization;
using System.Net;

namespace Weir.Host.Settings;

/// <summary>
/// Settings that become properties of <typeparamref name="T"/>: one row each with key, unit, range and text, from which they are read,
/// validated and documented. Defaults are those of <typeparamref name="T"/>.
/// </summary>
/// <param name="section">The section of the keys; <c>&lt;n&gt;</c> in it stands for the number of a list's entry.</param>
internal sealed class SettingTable<T>(string section)
    where T : class, new()
{
    private static readonly T _defaults = new();
    private readonly List<Row> _rows = [];

    /// <summary>Gets the rows as operators see them.</summary>
    public IEnumerable<Setting> Settings => _rows.Select(static row => row.Setting);

    /// <param name="name">The key in the section.</param>
    /// <param name="get">Returns the default.</param>
    /// <param name="set">Applies a value.</param>
    /// <param name="text">The meaning, see <see cref="Setting.Text"/>.</param>
    public SettingTable<T> Bool(string name, Func<T, bool> get, Action<T, bool> set, string text = "")
        => Add(
            name, "bool", get(_defaults) ? "true" : "false", "", text,
            (reader, key) => reader.ReadBool(key) is { } value ? options => set(options, value) : null);

    /// <inheritdoc cref="Bool"/>
    /// <param name="unit">The unit.</param>
    /// <param name="least">The least permitted value.</param>
    /// <param name="most">The greatest; <see cref="int.MaxValue"/>: no limit.</param>
    /// <param name="refused">What is permitted instead, if <paramref name="set"/> throws; null if it accepts the whole range.</param>
    public SettingTable<T> Int(
        string name, string unit, int least, int most, Func<T, int> get, Action<T, int> set, string text = "", string? refused = null)
        => Add(
            name, unit, Show(get(_defaults)), most == int.MaxValue ? $"{Show(least)} or more" : $"{Show(least)} to {ShowBound(most)}", text,
            (reader, key) => reader.ReadInt(key, least, most) is { } value ? Checked(Show(value), options => set(options, value)) : null,
            refused is null ? null : _ => refused);

    /// <inheritdoc cref="Int"/>
    /// <param name="leastUnlessZero">Where 0 means off: the least of all other values; null if 0 has no such meaning.</param>
    public SettingTable<T> Duration(
        string name, TimeSpan least, TimeSpan most, Func<T, TimeSpan> get, Action<T, TimeSpan> set, string text = "",
        TimeSpan? leastUnlessZero = null)
        => Add(
            name, "time", Show(get(_defaults)),
            leastUnlessZero is { } above ? $"0, or {Show(above)} to {Show(most)}" : $"{Show(least)} to {Show(most)}", text,
            (reader, key) => reader.ReadDuration(key, least, most, leastUnlessZero) is { } value ? options => set(options, value) : null);

    /// <inheritdoc cref="Bool"/>
    /// <param name="shownDefault">The default in words; null: its name.</param>
    public SettingTable<T> Enum<TEnum>(
        string name, Func<T, TEnum> get, Action<T, TEnum> set, string text = "", string? shownDefault = null)
        where TEnum : struct, Enum
        => Choice(
            name, System.Enum.GetNames<TEnum>(), options => get(options).ToString(),
            (options, value) => set(options, System.Enum.Parse<TEnum>(value)), text, shownDefault);

    /// <inheritdoc cref="Enum{TEnum}"/>
    /// <param name="names">The permitted values; the case of letters is ignored when they are read.</param>
    public SettingTable<T> Choice(
        string name, IReadOnlyList<string> names, Func<T, string> get, Action<T, string> set, string text = "", string? shownDefault = null)
        => Add(
            name, "", shownDefault ?? get(_defaults), string.Join(", ", names.Select(static each => $"`{each}`")), text,
            (reader, key) => reader.ReadChoice(key, names) is { } value ? options => set(options, value) : null);

    /// <inheritdoc cref="Enum{TEnum}"/>
    /// <param name="unit">What the text is.</param>
    public SettingTable<T> Text(
        string name, string unit, Func<T, string> get, Action<T, string> set, string text = "", string? shownDefault = null)
        => Add(
            name, unit, shownDefault ?? (get(_defaults) is { Length: > 0 } value ? value : "empty"), "", text,
            (reader, key) => reader.ReadText(key) is { } value ? options => set(options, value) : null);

    /// <inheritdoc cref="Text"/>
    /// <param name="refused">What is permitted, if <paramref name="set"/> throws; null if it accepts every list.</param>
    public SettingTable<T> List(
        string name, string unit, Action<T, IReadOnlyList<string>> set, string text = "", string shownDefault = "empty",
        Func<ArgumentException, string>? refused = null)
        => Add(
            name, unit, shownDefault, "", text,
            (reader, key) => reader.ReadList(key) is { Count: > 0 } values
                ? Checked(string.Join(", ", values), options => set(options, values)) : null,
            refused);

    /// <summary>Adds a section whose keys are names that the settings do not list, each with a value.</summary>
    /// <inheritdoc cref="Bool"/>
    /// <param name="unit">What its keys are.</param>
    public SettingTable<T> Properties(string name, string unit, Action<T, string, string> set, string text)
        => Add(
            name, unit, "empty", "", text,
            (reader, key) => reader.ReadProperties(key) is { Count: > 0 } values
                ? options =>
                {
                    foreach ((string property, string value) in values)
                    {
                        set(options, property, value);
                    }
                }
            : null);

    /// <summary>Adds a list of networks, which may contain <c>unix</c> for peers on Unix sockets.</summary>
    /// <inheritdoc cref="Bool"/>
    public SettingTable<T> Peers(string name, Action<T, IReadOnlyList<IPNetwork>, bool> set, string text)
        => Add(
            name, "networks", "empty", "", text,
            (reader, key) => reader.ReadPeers(key) is var (networks, unixSockets) ? options => set(options, networks, unixSockets) : null);

    /// <summary>Reads and validates the settings; errors are reported to the reader.</summary>
    /// <param name="reader">The configuration.</param>
    /// <param name="entry">The section of a list's entry, where the table's is one of a list; null: the table's own.</param>
    public SettingValues<T> Read(SettingsReader reader, string? entry = null)
    {
        SettingValues<T> values = new();
        foreach (Row row in _rows)
        {
            string key = $"{entry ?? section}:{row.Name}";
            if (row.Read(reader, key) is not { } apply)
            {
                continue;
            }

            try
            {
                values.Add(apply.Apply);
            }
            catch (ArgumentException error) when (row.Refused is not null)
            {
                reader.Complain(key, apply.Shown, row.Refused(error));
            }
        }

        return values;
    }

    private SettingTable<T> Add(
        string name, string unit, string byDefault, string range, string text, Func<SettingsReader, string, Action<T>?> read)
        => Add(name, unit, byDefault, range, text, (reader, key) => read(reader, key) is { } apply ? new Value("", apply) : null, null);

    private SettingTable<T> Add(
        string name, string unit, string byDefault, string range, string text, Func<SettingsReader, string, Value?> read,
        Func<ArgumentException, string>? refused)
    {
        _rows.Add(new Row(name, new Setting($"{section}:{name}", unit, byDefault, range, text), read, refused));
        return this;
    }

    private static Value Checked(string shown, Action<T> apply) => new(shown, apply);

    private static string Show(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string ShowBound(int value)
        => value >= 1 << 16 && int.IsPow2(value) ? string.Create(CultureInfo.InvariantCulture, $"2^{int.Log2(value)}") : Show(value);

    private static string Show(TimeSpan value) => value == TimeSpan.Zero ? "0"
        : value.TotalHours > 1 && value.TotalHours % 1 == 0 ? string.Create(CultureInfo.InvariantCulture, $"{value.TotalHours}h")
        : Weir.Host.Settings.Duration.Format(value);

    private sealed record Row(
        string Name, Setting Setting, Func<SettingsReader, string, Value?> Read, Func<ArgumentException, string>? Refused);

    private sealed record Value(string Shown, Action<T> Apply);
}
