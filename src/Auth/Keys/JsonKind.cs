using System.Text.Json;

namespace Weir.Auth.Keys;

/// <summary>Names the kind of a JSON value, for messages that must not contain the value.</summary>
internal static class JsonKind
{
    public static string Of(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        JsonValueKind.Null => "null",
        JsonValueKind.Array => "an array",
        _ => "an object",
    };
}
