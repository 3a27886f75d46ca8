using System.CommandLine;

namespace Weir.LoadTest.Scenarios;

/// <summary>Options in one line each.</summary>
internal static class OptionKit
{
    public static Option<T> Of<T>(string name, T value, string description)
        => new(name) { Description = description, DefaultValueFactory = _ => value };

    /// <summary>Null when it is not given.</summary>
    public static Option<T?> Optional<T>(string name, string description) => new(name) { Description = description };

    public static Option<TimeSpan> Time(string name, string value, string description) => new(name)
    {
        Description = description,
        DefaultValueFactory = _ => Durations.Parse(value)!.Value,
        CustomParser = static result => Durations.Parse(result) ?? default,
    };

    /// <summary>Null when it is not given.</summary>
    public static Option<TimeSpan?> OptionalTime(string name, string description)
        => new(name) { Description = description, CustomParser = Durations.Parse };
}
