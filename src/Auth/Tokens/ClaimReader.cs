using System.Text;
using System.Text.Json;
using Weir.Auth.Keys;

namespace Weir.Auth.Tokens;

/// <summary>Reads the claims of one token. Reports the first invalid one by name, never with its value.</summary>
/// <param name="root">An object.</param>
internal sealed class ClaimReader(JsonElement root)
{
    /// <summary>The first error; <see langword="null"/> if there is none so far.</summary>
    public string? Complaint { get; private set; }

    /// <summary>Reads a string; <see langword="null"/> if it is absent.</summary>
    public string? Text(string name) => root.TryGetProperty(name, out JsonElement value) ? TextOf(name, value) : null;

    /// <summary>Reads a list of strings; <see langword="null"/> if it is absent.</summary>
    public IReadOnlyList<string>? Texts(string name)
    {
        if (!root.TryGetProperty(name, out JsonElement value))
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Array
            ? Entries(name, value) : Complain(name, $"is {JsonKind.Of(value)}, not an array of strings", (string[])[]);
    }

    /// <summary>Reads a string, or a list of them; empty if it is absent.</summary>
    public IReadOnlyList<string> OneOrMore(string name) => !root.TryGetProperty(name, out JsonElement value) ? []
        : value.ValueKind == JsonValueKind.Array ? Entries(name, value)
        : [TextOf(name, value)];

    /// <summary>Reads the names of an object's members; empty if it is absent.</summary>
    public IReadOnlyList<string> Names(string name) => !root.TryGetProperty(name, out JsonElement value) ? []
        : value.ValueKind == JsonValueKind.Object ? [.. value.EnumerateObject().Select(static member => member.Name)]
        : Complain(name, $"is {JsonKind.Of(value)}, not an object", (string[])[]);

    /// <summary>Reads any value, as JSON; empty if it is absent.</summary>
    public ReadOnlyMemory<byte> Raw(string name)
        => root.TryGetProperty(name, out JsonElement value) ? Encoding.UTF8.GetBytes(value.GetRawText()) : default;

    /// <summary>
    /// Reads a NumericDate of RFC 7519 section 2: a number of seconds since 1970, with or without a fraction. One that is outside the
    /// years 1 to 9999 is refused: milliseconds of any time since 1978 are.
    /// </summary>
    public DateTimeOffset? Date(string name)
    {
        if (!root.TryGetProperty(name, out JsonElement value))
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Number)
        {
            return Complain(name, $"is {JsonKind.Of(value)}, not a number of seconds since 1970", (DateTimeOffset?)null);
        }

        return NumericDate.TryRead(value.GetDouble(), out DateTimeOffset date)
            ? date : Complain(name, NumericDate.Complaint, (DateTimeOffset?)null);
    }

    private IReadOnlyList<string> Entries(string name, JsonElement values)
        => [.. values.EnumerateArray().Select(value => TextOf(name, value))];

    private string TextOf(string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            return Complain(name, $"is or has {JsonKind.Of(value)}, where a string must be", "");
        }

        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return Complain(name, "has half a surrogate pair, written as an escape", "");
        }
    }

    private T Complain<T>(string name, string what, T instead)
    {
        Complaint ??= $"`{name}` {what}";
        return instead;
    }
}
