using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Weir.Closing;
using Weir.Protocol;
using Weir.Relay.Nodes;
using Weir.Relay.Rooms;

namespace Weir.Extensions.Tests.Protocols;

/// <summary>The line protocol on a listener of Kestrel: the first line of a client names its room, each other line is a message.</summary>
internal sealed class ChatHandler(RelayNode relay) : ConnectionHandler
{
    // begin: serve
    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        ChatMember member = new(connection);
        Task writing = member.WriteAllAsync();
        LocalRoom? room = null;
        try
        {
            while (await ReadLineAsync(connection.Transport.Input) is { } line)
            {
                if (room is null)
                {
                    room = await relay.JoinAsync(Encoding.UTF8.GetString(line), member);
                    member.Welcome();
                }
                else
                {
                    await relay.PublishAsync(room, new ReadOnlySequence<byte>(line), MessageKind.Text, publisher: member);
                }
            }
        }
        catch (ConnectionResetException)
        {
            // The client has disconnected without a FIN.
        }
        finally
        {
            if (room is not null)
            {
                relay.Leave(room, member);
            }

            member.Close(CloseCode.Normal, "bye", CloseCause.ClientClosed);
            await writing;
        }
    }

    // end
    private static async Task<byte[]?> ReadLineAsync(PipeReader input)
    {
        while (true)
        {
            ReadResult read = await input.ReadAsync();
            ReadOnlySequence<byte> buffer = read.Buffer;
            if (buffer.PositionOf((byte)'\n') is { } end)
            {
                byte[] line = buffer.Slice(0, end).ToArray();
                input.AdvanceTo(buffer.GetPosition(1, end));
                return line;
            }

            if (read.IsCompleted || buffer.Length > 4096)
            {
                input.AdvanceTo(buffer.End);
                return null;
            }

            input.AdvanceTo(buffer.Start, buffer.End);
        }
    }
}
