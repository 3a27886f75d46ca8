using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Unicode;

namespace Weir.Relay.Json;

/// <summary>
/// JSON of clients, back ends and applications. Every endpoint checks it by the same rules, so that JSON which one endpoint accepts can be
/// carried by all others and the clients: UTF-8 (RFC 8259 section 8.1), the strict grammar, a bounded depth. Values are carried verbatim:
/// numbers of any size, duplicate names and half surrogate pairs in escapes stay as they are, for the reader to interpret (RFC 8259
/// sections 4, 6, 8.2).
/// </summary>
[Experimental("WEIR001")]
public static class JsonText
{
    private static readonly SearchValues<byte> _lineBreaks = SearchValues.Create("\r\n"u8);

    /// <summary>
    /// The most levels of arrays and objects in a value; 64. System.Text.Json reads that many by default, and the parsers of Centrifugo's
    /// SDKs read more than that and the protocol's envelope around it.
    /// </summary>
    public const int MaxDepth = 64;

    /// <summary>Whether the text is one JSON value in UTF-8, not deeper than <see cref="MaxDepth"/>.</summary>
    public static bool IsValid(ReadOnlySpan<byte> text)
    {
        // The reader checks strings only when they are unescaped, so their bytes are checked separately.
        if (!Utf8.IsValid(text))
        {
            return false;
        }

        Utf8JsonReader reader = new(text, new JsonReaderOptions { MaxDepth = MaxDepth });
        try
        {
            if (!reader.Read())
            {
                return false;
            }

            reader.Skip();
            return !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>Reads a string.</summary>
    /// <returns>False if it is not a string, or its escapes have half of a surrogate pair, and so it is not Unicode.</returns>
    public static bool TryGetText(JsonElement value, [NotNullWhen(true)] out string? text)
    {
        try
        {
            text = value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            text = null;
        }

        return text is not null;
    }

    /// <summary>Reads a string as base64.</summary>
    /// <returns>False if it is not a string, or not base64.</returns>
    public static bool TryGetBytes(JsonElement value, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        try
        {
            return value.ValueKind == JsonValueKind.String && value.TryGetBytesFromBase64(out bytes);
        }
        catch (InvalidOperationException) // half of a surrogate pair
        {
            return false;
        }
    }

    /// <summary>Finds a property of an object.</summary>
    /// <param name="owner">The object.</param>
    /// <param name="name">Its name.</param>
    /// <param name="value">The property; <c>default</c> if there is none.</param>
    /// <returns>False if a name of the object has half of a surrogate pair, and cannot be compared.</returns>
    public static bool TryFind(JsonElement owner, string name, out JsonElement value)
    {
        try
        {
            _ = owner.TryGetProperty(name, out value);
            return true;
        }
        catch (InvalidOperationException)
        {
            value = default;
            return false;
        }
    }

    /// <summary>Finds a property of an object that is a string.</summary>
    /// <returns>False if there is none, or it is not such a string.</returns>
    public static bool TryGetText(JsonElement owner, string name, [NotNullWhen(true)] out string? text)
    {
        text = null;
        return TryFind(owner, name, out JsonElement value) && TryGetText(value, out text);
    }

    /// <summary>
    /// Writes a property that is JSON already, on one line; writes no property if the value is empty, or not valid by
    /// <see cref="IsValid"/>.
    /// </summary>
    public static void WriteProperty(Utf8JsonWriter json, string name, ReadOnlyMemory<byte> value)
    {
        ArgumentNullException.ThrowIfNull(json);
        if (value.Length > 0 && IsValid(value.Span))
        {
            json.WritePropertyName(name);
            WriteOnOneLine(json, value.Span);
        }
    }

    /// <summary>
    /// Writes JSON verbatim, but on one line: a line break would end a message of Centrifugo's protocol. In JSON it only occurs between
    /// tokens, where a space means the same.
    /// </summary>
    public static void WriteOnOneLine(Utf8JsonWriter json, ReadOnlySpan<byte> value)
    {
        ArgumentNullException.ThrowIfNull(json);
        int at = value.IndexOfAny(_lineBreaks);
        if (at < 0)
        {
            json.WriteRawValue(value, skipInputValidation: true);
            return;
        }

        byte[] line = ArrayPool<byte>.Shared.Rent(value.Length);
        value.CopyTo(line);
        for (int i = at; i < value.Length; i++)
        {
            line[i] = line[i] is (byte)'\r' or (byte)'\n' ? (byte)' ' : line[i];
        }

        json.WriteRawValue(line.AsSpan(0, value.Length), skipInputValidation: true);
        ArrayPool<byte>.Shared.Return(line);
    }
}
