using System.Text.Json.Serialization;

namespace Weir.Relay.Nodes;

/// <summary>A message from node to node, as JSON. A node of another version ignores unknown fields.</summary>
internal sealed record NodeMessage
{
    /// <summary>The connections to end.</summary>
    public Disconnection? Disconnect { get; init; }

    /// <summary>The id of <see cref="Disconnect"/>, by which a node executes it once.</summary>
    public string? Id { get; init; }

    /// <summary>Requests the receiver's rooms: the pattern of their names.</summary>
    public string? RoomsLike { get; init; }

    /// <summary>Rooms and their numbers of members: the answer.</summary>
    public Dictionary<string, int>? Rooms { get; init; }

    /// <summary>The session whose client sent <see cref="Data"/> in a request to the node that forwards it.</summary>
    public string? Session { get; init; }

    /// <inheritdoc cref="Session"/>
    public byte[]? Data { get; init; }

    /// <summary>The querying node.</summary>
    public string? From { get; init; }

    /// <summary>The querying node's number for the query.</summary>
    public long Question { get; init; }
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(NodeMessage))]
[JsonSerializable(typeof(NodeInfo))]
internal sealed partial class NodeJson : JsonSerializerContext;
