using System.CommandLine;
using System.CommandLine.Parsing;

namespace Weir.LoadTest.Scenarios;

/// <summary>Options in one line each.</summary>
internal static class OptionKit
{
    public static Option<T> Of<T>(string name, T value, string description)
        => new(name) { Description = description, DefaultValueFactory = _ => value };

    /// <summary>
    /// An address, with port 0 where <c>{port}</c> stands for one that is not known yet; null, and an error, for anything else.
    /// </summary>
    public static Uri? ParseUrl(ArgumentResult result, string text)
    {
        if (Uri.TryCreate(text.Replace("{port}", "0", StringComparison.Ordinal), UriKind.Absolute, out Uri? url)
            && url.Scheme is "ws" or "wss")
        {
            return url;
        }

        result.AddError($"'{text}' is no ws:// or wss:// address.");
        return null;
    }

    /// <summary>A number of things of which there must be one.</summary>
    public static Option<int> Count(string name, int value, string description)
    {
        Option<int> option = Of(name, value, description);
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < 1)
            {
                result.AddError($"{name} is 1 at least.");
            }
        });
        return option;
    }

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
