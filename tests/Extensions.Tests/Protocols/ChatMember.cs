using System.Buffers;
using System.Text;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Weir.Closing;
using Weir.Diagnostics;
using Weir.Protocol;
using Weir.Rooms;
using Weir.Sending;

namespace Weir.Extensions.Tests.Protocols;

/// <summary>A client of the line protocol: receives each text message of its room as a line. Thread-safe.</summary>
internal sealed class ChatMember(ConnectionContext connection) : IRoomMember
{
    private readonly Channel<string> _lines = Channel.CreateBounded<string>(1000);

    public RoomMemberships Memberships { get; } = new();

    public string Id => connection.ConnectionId;

    // begin: send
    public void SendShared(SharedFrames frames, string? key, ref TrafficBatch sent)
    {
        for (int i = 0; i < frames.Count; i++)
        {
            string line = Encoding.UTF8.GetString(frames.GetMessage(i, out _).Span);
            if (!_lines.Writer.TryWrite(line))
            {
                connection.Abort(); // a slow consumer: what waits is bounded
            }
        }
    }

    public bool Close(CloseCode code, string reason, CloseCause cause)
    {
        _lines.Writer.TryWrite($"! {(int)code} {reason}");
        Memberships.Close();
        return _lines.Writer.TryComplete();
    }

    // end
    public void Welcome() => _lines.Writer.TryWrite("* joined");

    public async Task WriteAllAsync()
    {
        await foreach (string line in _lines.Reader.ReadAllAsync())
        {
            connection.Transport.Output.Write(Encoding.UTF8.GetBytes(line + "\n"));
            await connection.Transport.Output.FlushAsync();
        }

        await connection.Transport.Output.CompleteAsync();
    }
}
