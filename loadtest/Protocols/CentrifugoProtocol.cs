using System.Text;
using System.Text.Json;
using Weir.LoadTest.Client;

namespace Weir.LoadTest.Protocols;

/// <summary>
/// Centrifugo's JSON protocol, as much of it as a load takes: connect and subscribe in one frame, publish, publications, and
/// heartbeats that are empty objects. What arrives is searched, not parsed: it is the server's answer to what we have sent.
/// </summary>
internal sealed class CentrifugoProtocol : IProtocol
{
    private const int FirstPublishId = 1_000_000;

    private static readonly byte[] _pong = MaskedFrames.Make(ServerFrame.Text, "{}"u8);

    public Opening Open(Target target, IReadOnlyList<string> rooms, string? token, int? receiveBufferBytes)
    {
        string credentials = token is null ? "{}" : $$"""{"token":{{JsonSerializer.Serialize(token)}}}""";
        StringBuilder greeting = new($$"""{"id":1,"connect":{{credentials}} }""");
        for (int i = 0; i < rooms.Count; i++)
        {
            greeting.Append('\n').Append($$"""{"id":{{i + 2}},"subscribe":{"channel":{{JsonSerializer.Serialize(rooms[i])}} } }""");
        }

        byte[] frame = MaskedFrames.Make(ServerFrame.Text, Encoding.UTF8.GetBytes(greeting.ToString()));
        return new Opening(target, target.Request(""), frame, Answers: 1 + rooms.Count, receiveBufferBytes);
    }

    public StampedFrame Publish(string room, int payloadBytes) => new(
        BeforeData(room), [.. RawProtocol.Padding(payloadBytes - Stamp.Bytes), .. "\"}}"u8]);

    // A publication to a channel without other subscribers.
    public byte[] Echo(string room, int payloadBytes) => MaskedFrames.Make(
        ServerFrame.Text, [.. BeforeData(room), .. RawProtocol.Padding(payloadBytes), .. "\"}}"u8]);

    public string? EchoRoomOf(int client) => $"echo-{client}";

    public void Take(ClientLoop loop, Connection connection, int opcode, ReadOnlySpan<byte> payload, IClientEvents events)
    {
        if (opcode != ServerFrame.Text)
        {
            return;
        }

        while (payload.Length > 0 && connection.State != Connection.Phase.Ended)
        {
            int end = payload.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? payload : payload[..end];
            payload = end < 0 ? [] : payload[(end + 1)..];
            TakeLine(loop, connection, line, events);
        }
    }

    private static byte[] BeforeData(string room)
        => Encoding.UTF8.GetBytes($$"""{"id":{{FirstPublishId}},"publish":{"channel":{{JsonSerializer.Serialize(room)}},"data":""" + "\"");

    private static void TakeLine(ClientLoop loop, Connection connection, ReadOnlySpan<byte> line, IClientEvents events)
    {
        if (line.StartsWith("{\"push\""u8))
        {
            // "data":"<stamp and padding>": our own messages, in which nothing is escaped.
            int data = line.IndexOf("\"data\":\""u8);
            ReadOnlySpan<byte> text = data < 0 ? [] : line[(data + 8)..];
            int end = text.IndexOf((byte)'"');
            if (line.IndexOf("\"pub\""u8) >= 0 && end >= 0)
            {
                events.OnMessage(connection, text[..end]);
            }
        }
        else if (line.SequenceEqual("{}"u8))
        {
            connection.Send(_pong);
            events.OnHeartbeat(connection);
        }
        else if (line.IndexOf("\"error\""u8) >= 0)
        {
            string what = Encoding.UTF8.GetString(line);
            if (connection.AnswersDue > 0)
            {
                loop.End(connection, ConnectionEnd.WithoutCloseFrame(what));
            }
            else
            {
                events.OnProblem(connection, what);
            }
        }
        else if (connection.AnswersDue > 0 && --connection.AnswersDue == 0)
        {
            loop.SetOpen(connection);
        }
    }
}
