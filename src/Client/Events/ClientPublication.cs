using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Weir.Client.Events;

/// <summary>A publication of a channel.</summary>
public sealed record ClientPublication
{
    /// <summary>The published data: JSON, as UTF-8.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>The offset in the channel; 0 if the channel keeps no history.</summary>
    public ulong Offset { get; init; }

    /// <summary>The publishing client; <c>null</c> if a back end published it, or the server does not report it.</summary>
    public ClientInfo? Info { get; init; }

    /// <summary>The tags that the publisher set.</summary>
    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();

    /// <summary>Deserializes the data, without reflection.</summary>
    /// <exception cref="JsonException">The data does not match the type.</exception>
    public T? Read<T>(JsonTypeInfo<T> type) => JsonSerializer.Deserialize(Data.Span, type);
}
