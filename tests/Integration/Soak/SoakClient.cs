using Weir.Integration.Servers;
using Weir.Testing;

namespace Weir.Integration.Soak;

/// <summary>
/// One client at random: sends commands in bursts and reads until the last is acknowledged; sometimes leaves permanently,
/// by a Close or by a reset, and connects as another client.
/// </summary>
internal sealed class SoakClient(TestServer server, SoakLedger ledger, int seed, Func<int> nextId) : IDisposable
{
    public const int Rooms = 400;

    /// <summary>The one room a quarter of all are in; the others have about ten members each.</summary>
    private const int Hall = 0;

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private readonly Random _random = new(seed);
    private readonly HashSet<int> _rooms = [];
    private SoakMember? _member;
    private RawClient? _socket;
    private int _published;
    private int _acknowledged;

    public async Task OpenAsync()
    {
        _member = ledger.Member(nextId());
        _socket = await server.OpenAsync($"/soak?id={_member.Id}");
        _rooms.Clear();
        _published = 0;
        List<byte> burst = [];
        AddJoin(burst, RandomRoom());
        AddJoin(burst, RandomRoom());
        if (_random.Next(4) == 0)
        {
            AddJoin(burst, Hall);
        }

        await SendAsync(burst);
    }

    public async Task RunAsync(int steps)
    {
        for (int step = 0; step < steps; step++)
        {
            switch (_random.Next(20))
            {
                case 0:
                    await CloseAsync();
                    await OpenAsync();
                    break;
                case 1:
                    Reset();
                    await OpenAsync();
                    break;
                default:
                    await SendAsync(RandomBurst());
                    break;
            }
        }
    }

    public async Task CloseAsync()
    {
        await _socket!.SendRawAsync(
            (byte[])[.. Frames.Binary(SoakProtocol.Command(SoakProtocol.DisconnectReason, 0)), .. Frames.Close(1000)], _limit);
        while (await ReadAsync() is { IsClose: false })
        {
        }

        _socket.Dispose();
    }

    public void Dispose() => _socket?.Dispose();

    private void Reset()
    {
        _member!.MayLose = true;
        _socket!.Reset();
    }

    private List<byte> RandomBurst()
    {
        List<byte> burst = [];
        for (int commands = _random.Next(1, 4); commands > 0; commands--)
        {
            switch (_random.Next(4))
            {
                case 0:
                    AddJoin(burst, RandomRoom());
                    break;
                case 1 when _rooms.Count > 0:
                    int left = RandomOwnRoom();
                    _rooms.Remove(left);
                    burst.AddRange(Frames.Binary(SoakProtocol.Command(SoakProtocol.Leave, left)));
                    break;
                default:
                    AddMessages(burst);
                    break;
            }
        }

        return burst;
    }

    private void AddJoin(List<byte> burst, int room)
    {
        _rooms.Add(room);
        burst.AddRange(Frames.Binary(SoakProtocol.Command(SoakProtocol.Join, room)));
    }

    // To a room of its own, to the hall, or as a stranger to any.
    private void AddMessages(List<byte> burst)
    {
        int choice = _random.Next(200);
        int room = choice == 0 ? Hall : choice < 20 || _rooms.Count == 0 ? RandomRoom() : RandomOwnRoom();
        for (int messages = room == Hall ? 1 : _random.Next(1, 4); messages > 0; messages--)
        {
            burst.AddRange(Frames.Binary(SoakProtocol.Message(room, _member!.Id, _published++)));
        }
    }

    private int RandomRoom() => _random.Next(1, Rooms);

    private int RandomOwnRoom()
    {
        int room = _rooms.Order().ElementAt(_random.Next(_rooms.Count));
        return room == Hall ? RandomRoom() : room; // the hall is for few messages and stays full
    }

    private async Task SendAsync(List<byte> burst)
    {
        byte[] acknowledgement = SoakProtocol.Command(SoakProtocol.Acknowledge, ++_acknowledged);
        burst.AddRange(Frames.Binary(acknowledgement));
        await _socket!.SendRawAsync(burst.ToArray(), _limit);
        ServerFrame frame;
        do
        {
            frame = await ReadAsync();
        }
        while (frame.Payload[0] != SoakProtocol.Acknowledge);

        if (!frame.Payload.AsSpan().SequenceEqual(acknowledgement))
        {
            throw new InvalidDataException($"Acknowledgement {frame} instead of number {_acknowledged}.");
        }
    }

    private async Task<ServerFrame> ReadAsync()
    {
        ServerFrame frame = await _socket!.ReadFrameAsync(_limit);
        if (frame.Opcode == 0x2 && frame.Payload[0] == SoakProtocol.Publish)
        {
            _member!.Received.Add(SoakProtocol.ReadMessage(frame.Payload));
        }
        else if (frame.IsClose && frame.CloseCode != 1000)
        {
            throw new InvalidDataException($"{_member} was closed with {frame.CloseCode} '{frame.CloseReason}'.");
        }

        return frame;
    }
}
