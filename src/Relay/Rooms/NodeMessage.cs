using System.Text.Json.Serialization;

namespace Weir.Relay.Rooms;

/// <summary>What one node tells another, as JSON. What is not known to a node of another version is passed over.</summary>
internal sealed record NodeMessage
{
    /// <summary>End somebody's connections.</summary>
    public Disconnection? Disconnect { get; init; }

    /// <summary>Say which rooms you have: the pattern of their names.</summary>
    public string? RoomsLike { get; init; }

    /// <summary>Rooms and how many are in them: the answer.</summary>
    public Dictionary<string, int>? Rooms { get; init; }

    /// <summary>The session whose client has said <see cref="Said"/> in a request to the node that passes it on.</summary>
    public string? Session { get; init; }

    /// <inheritdoc cref="Session"/>
    public byte[]? Said { get; init; }

    /// <summary>Who asks.</summary>
    public string? From { get; init; }

    /// <summary>The asking node's number for the question.</summary>
    public long Question { get; init; }
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(NodeMessage))]
[JsonSerializable(typeof(NodeInfo))]
internal sealed partial class NodeJson : JsonSerializerContext;
