using System.Globalization;
using Weir.Integration.Relay;
using Weir.Testing;
using Weir.TestSupport.Processes;

namespace Weir.Integration.Nodes;

/// <summary>A member of one room on one node, from <see cref="Joined"/> on: a WebSocket that also publishes, or a stream.</summary>
internal sealed class Member(Ledger ledger, string room, int id) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<string> _received = [];
    private RawClient? _socket;
    private EventStream? _stream;
    private Task _listening = Task.CompletedTask;
    private int _published;

    public string Room => room;

    /// <summary>The moment from which on it must receive all messages.</summary>
    public long Joined { get; private set; }

    /// <summary>It is a member until the end, and so must receive all messages up to the end.</summary>
    public bool Stays { get; set; }

    public IReadOnlyList<string> Received
    {
        get
        {
            lock (_gate)
            {
                return [.. _received];
            }
        }
    }

    public bool IsFrom(string text) => text.StartsWith($"m{id}:", StringComparison.Ordinal);

    public async Task OpenSocketAsync(HostProcess node)
    {
        _socket = await node.ConnectAsync();
        await _socket.HandshakeAsync($"/ws?room={room}");
        // The Pong is from the loop that begins when it is in its room; messages of others may arrive before.
        TaskCompletionSource isIn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await _socket.SendRawAsync(Frames.Ping("in"u8));
        _listening = ReceiveFromSocketAsync(isIn);
        await isIn.Task.Within();
        Joined = ledger.Tick();
    }

    public async Task OpenStreamAsync(HttpClient node)
    {
        _stream = await EventStream.OpenAsync(node, $"/sse?room={room}");
        Joined = ledger.Tick();
        _listening = ReceiveFromStreamAsync();
    }

    public async Task PublishAsync()
    {
        string text = string.Create(CultureInfo.InvariantCulture, $"m{id}:{_published++}");
        ledger.Note(room, text);
        await _socket!.SendTextAsync(text);
    }

    /// <summary>Leaves with a close frame: its messages are in flight before.</summary>
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

    private async Task ReceiveFromSocketAsync(TaskCompletionSource isIn)
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

    private async Task ReceiveFromStreamAsync()
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
            _received.Add(text);
        }
    }
}
