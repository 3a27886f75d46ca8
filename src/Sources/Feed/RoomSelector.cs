using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Weir.Sources;

/// <summary>Chooses the room of a record: by its key, by a header, or by a value of its JSON. Immutable.</summary>
public sealed class RoomSelector
{
    private const string HeaderPrefix = "header:";
    private const string JsonPrefix = "json:";

    private readonly string? _header;
    private readonly string[]? _path;
    private readonly string _prefix;

    private RoomSelector(string? header, string[]? path, string prefix)
    {
        _header = header;
        _path = path;
        _prefix = prefix;
    }

    /// <summary>Reads the text of a setting.</summary>
    /// <param name="text">
    /// <c>key</c>, <c>header:NAME</c>, or <c>json:NAME.NAME</c>, the names of members from the outermost object inwards.
    /// </param>
    /// <param name="prefix">Precedes what is found in the name of the room.</param>
    /// <exception cref="ArgumentException">It is none of these.</exception>
    public static RoomSelector Parse(string text, string prefix = "")
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(prefix);
        if (text == "key")
        {
            return new RoomSelector(null, null, prefix);
        }

        if (text.StartsWith(HeaderPrefix, StringComparison.Ordinal) && text.Length > HeaderPrefix.Length)
        {
            return new RoomSelector(text[HeaderPrefix.Length..], null, prefix);
        }

        string[] path = text.StartsWith(JsonPrefix, StringComparison.Ordinal) ? text[JsonPrefix.Length..].Split('.') : [];
        return path.Length > 0 && !path.Contains("") ? new RoomSelector(null, path, prefix)
            : throw new ArgumentException("A room is chosen by key, header:NAME or json:NAME.NAME.", nameof(text));
    }

    /// <summary>Returns the room's name; <c>null</c> if the record has none.</summary>
    /// <param name="record">The record.</param>
    /// <param name="reason">Why it has none, without any of its content; empty if it has one.</param>
    public string? Select(SourceRecord record, out string reason)
    {
        ArgumentNullException.ThrowIfNull(record);
        (string? found, reason) = _path is { } path ? OfJson(record.Value, path)
            : _header is { } header ? OfBytes(
                record.Headers.TryGetValue(header, out ReadOnlyMemory<byte> value) ? value : null, $"It has no header {header}.")
            : OfBytes(record.Key, "It has no key.");
        return found is null ? null : _prefix + found;
    }

    private static (string? Found, string Reason) OfBytes(ReadOnlyMemory<byte>? bytes, string ifNone)
        => bytes is not { Length: > 0 } name ? (null, ifNone)
            : Utf8.IsValid(name.Span) ? (Encoding.UTF8.GetString(name.Span), "")
            : (null, "The name of its room is not UTF-8.");

    private static (string? Found, string Reason) OfJson(ReadOnlyMemory<byte> text, string[] path)
    {
        string shown = string.Join('.', path);
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            JsonElement value = document.RootElement;
            foreach (string name in path)
            {
                if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(name, out value))
                {
                    return (null, $"Its JSON has no {shown}.");
                }
            }

            return value.ValueKind switch
            {
                JsonValueKind.String when value.GetString() is { Length: > 0 } name => (name, ""),
                JsonValueKind.Number => (value.GetRawText(), ""),
                _ => (null, $"Its {shown} is no text and no number."),
            };
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return (null, "It is not JSON."); // InvalidOperationException: an escape that is no text
        }
    }
}
