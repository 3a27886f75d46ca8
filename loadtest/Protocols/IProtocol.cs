using Weir.LoadTest.Client;

namespace Weir.LoadTest.Protocols;

/// <summary>The protocol above frames: how a client joins its rooms, publishes, and recognizes a message.</summary>
internal interface IProtocol
{
    /// <summary>The opening of a client that joins these rooms.</summary>
    /// <param name="token">Shown to the server; null: none.</param>
    Opening Open(Target target, IReadOnlyList<string> rooms, string? token, int? receiveBufferBytes);

    /// <summary>A message to a room whose payload, as its members get it, has so many bytes, at least <see cref="Stamp.Bytes"/>.</summary>
    StampedFrame Publish(string room, int payloadBytes);

    /// <summary>A frame that the server answers with a message of so many bytes.</summary>
    /// <param name="room">The client's own room, where answering takes one.</param>
    byte[] Echo(string room, int payloadBytes);

    /// <summary>The room that a client must be in to get echoes; null: none.</summary>
    string? EchoRoomOf(int client);

    /// <summary>A frame came that is neither Ping nor Close.</summary>
    void Take(ClientLoop loop, Connection connection, int opcode, ReadOnlySpan<byte> payload, IClientEvents events);
}
