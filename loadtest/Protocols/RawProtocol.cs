using System.Text;
using Weir.LoadTest.Client;

namespace Weir.LoadTest.Protocols;

/// <summary>Only messages: rooms stand in the URL, every message goes to all others in the sender's rooms.</summary>
internal sealed class RawProtocol : IProtocol
{
    public Opening Open(Target target, IReadOnlyList<string> rooms, string? token, int? receiveBufferBytes)
    {
        string query = string.Join('&', rooms.Select(static room => $"room={room}"));
        string headers = token is null ? "" : $"Authorization: Bearer {token}\r\n";
        return new Opening(target, target.Request(query, headers), MaskedFrames.Ping, Answers: 1, receiveBufferBytes);
    }

    public StampedFrame Publish(string room, int payloadBytes) => new([], Padding(payloadBytes - Stamp.Bytes));

    public byte[] Echo(string room, int payloadBytes) => MaskedFrames.Make(ServerFrame.Text, Padding(payloadBytes));

    public string? EchoRoomOf(int client) => null;

    public void Take(ClientLoop loop, Connection connection, int opcode, ReadOnlySpan<byte> payload, IClientEvents events)
    {
        if (opcode is ServerFrame.Text or ServerFrame.Binary)
        {
            events.OnMessage(connection, payload);
        }
        else if (opcode == ServerFrame.Pong && connection.AnswersDue > 0)
        {
            connection.AnswersDue = 0;
            loop.SetOpen(connection);
        }
    }

    public static byte[] Padding(int bytes) => Encoding.ASCII.GetBytes(new string('x', Math.Max(0, bytes)));
}
