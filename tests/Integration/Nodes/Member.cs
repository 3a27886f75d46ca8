using System.Globalization;
using Weir.Integration.Relay;
using Weir.Testing;
using Weir.TestSupport.Processes;

namespace Weir.Integration.Nodes;

/// <summary>Somebody in one room on one node, from <see cref="Joined"/> on: a WebSocket that also speaks, or a stream.</summary>
internal sealed class Member(Ledger ledger, string room, int id) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<string> _heard = [];
    private RawClient? _socket;
    private EventStream? _stream;
    private Task _listening = Task.CompletedTask;
    private int _said;

    public string Room => room;

    /// <summary>The moment from which on it must hear everything.</summary>
    public long Joined { get; private set; }

    /// <summary>It is there until the end, and so must hear everything up to the end.</summary>
    public bool Stays { get; set; }

    public IReadOnlyList<string> Heard
    {
        get
        {
            lock (_gate)
            {
                return [.. _heard];
            }
        }
    }

    public bool HasSaid(string text) => text.StartsWith($"m{id}:", StringComparison.Ordinal);

    public async Task OpenSocketAsync(HostProcess node)
    {
        _socket = await node.ConnectAsync();
        await _socket.HandshakeAsync($"/ws?room={room}");
        // The Pong is from the loop that begins when it is in its room; what others say may be there before.
        TaskCompletionSource isIn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await _socket.SendRawAsync(Frames.Ping("in"u8));
        _listening = HearSocketAsync(isIn);
        await isIn.Task.Within();
        Joined = ledger.Tick();
    }

    public async Task OpenStreamAsync(HttpClient node)
    {
        _stream = await EventStream.OpenAsync(node, $"/sse?room={room}");
        Joined = ledger.Tick();
        _listening = HearStreamAsync();
    }

    public async Task SayAsync()
    {
        string text = string.Create(CultureInfo.InvariantCulture, $"m{id}:{_said++}");
        ledger.Note(room, text);
        await _socket!.SendTextAsync(text);
    }

    /// <summary>Goes in order: what it has said is on its way.</summary>
    public async Task LeaveAsync()
    {
        if (_socket is not null)
        {
            await _socket.SendCloseAsync();
        }
        else
        {
            _stream!.Dispose();
        }

        await _listening;
        Dispose();
    }

    public void Dispose()
    {
        _socket?.Dispose();
        _stream?.Dispose();
    }

    public override string ToString() => $"member {id} of {room}, {(_socket is null ? "a stream" : "a socket")}";

    private async Task HearSocketAsync(TaskCompletionSource isIn)
    {
        try
        {
            while (await _socket!.ReadFrameAsync(TimeSpan.FromMinutes(2)) is { IsClose: false } frame)
            {
                if (frame.Opcode == 0xA)
                {
                    isIn.TrySetResult();
                }
                else
                {
                    Add(frame.Text);
                }
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or System.Net.Sockets.SocketException)
        {
            // The test is over.
            isIn.TrySetException(error);
        }
    }

    private async Task HearStreamAsync()
    {
        try
        {
            while (await _stream!.ReadOrEndAsync() is { } next)
            {
                Add(next.Name == "lost" ? "lost" : next.Data);
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // It has left.
        }
    }

    private void Add(string text)
    {
        lock (_gate)
        {
            _heard.Add(text);
        }
    }
}
