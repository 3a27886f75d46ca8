using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Weir.Client;

/// <summary>Something that was published to a channel.</summary>
public sealed record Publication
{
    /// <summary>What was published: JSON, as UTF-8.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>Its number in the channel; 0 if the channel keeps no history.</summary>
    public ulong Offset { get; init; }

    /// <summary>Who published it; null if that was a back end, or is not told.</summary>
    public ClientInfo? Info { get; init; }

    /// <summary>What its publisher labelled it with.</summary>
    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();

    /// <summary>Reads the data as an object, without reflection.</summary>
    /// <exception cref="JsonException">It is none of these.</exception>
    public T? Read<T>(JsonTypeInfo<T> type) => JsonSerializer.Deserialize(Data.Span, type);
}
