namespace Weir.Host.Settings;

/// <summary>The values of a <see cref="SettingTable{T}"/> that a configuration sets. Not changed after reading.</summary>
internal sealed class SettingValues<T>
    where T : class, new()
{
    private readonly List<Action<T>> _set = [];

    /// <summary>Gets the settings, with defaults where the configuration sets none.</summary>
    public T Value { get; } = new();

    /// <summary>Applies the values that the configuration sets; the others keep the defaults of <paramref name="options"/>.</summary>
    public void ApplyTo(T options) => _set.ForEach(set => set(options));

    /// <exception cref="ArgumentException">The options do not accept the value.</exception>
    public void Add(Action<T> set)
    {
        set(Value);
        _set.Add(set);
    }
}
