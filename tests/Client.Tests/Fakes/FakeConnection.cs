using System.Text;
using System.Threading.Channels;
using Weir.Client.Events;
using Weir.Client.Transport;
using Weir.Testing;

namespace Weir.Client.Tests.Fakes;

/// <summary>A connection in memory, seen from both sides.</summary>
internal sealed class FakeConnection(TimeProvider time) : IClientConnection
{
    private readonly Channel<Received> _toClient = Channel.CreateUnbounded<Received>();
    private readonly Channel<string> _toServer = Channel.CreateUnbounded<string>();
    private readonly TaskCompletionSource _disposed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<int> _clientClosed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private long _lastSent = time.GetTimestamp();

    /// <summary>While this is set, sent data is not read: as when the client's process does not run.</summary>
    public TaskCompletionSource? Stopped { get; set; }

    public TimeSpan IdleFor => _toClient.Reader.Count > 0 ? TimeSpan.Zero : time.GetElapsedTime(Volatile.Read(ref _lastSent));

    /// <summary>While this is not complete, sends do not end. False as its result breaks them.</summary>
    public TaskCompletionSource<bool>? Gate { get; set; }

    /// <summary>The code with which the client closed it.</summary>
    public Task<int> ClientClosed => _clientClosed.Task;

    public Task Disposed => _disposed.Task;

    /// <summary>How many sends have begun.</summary>
    public int Sends { get; private set; }

    public async ValueTask<Received> ReceiveAsync(CancellationToken cancel)
    {
        try
        {
            await _toClient.Reader.WaitToReadAsync(cancel);
            if (Stopped is { } stopped)
            {
                await stopped.Task.WaitAsync(cancel);
            }

            return await _toClient.Reader.ReadAsync(cancel);
        }
        catch (OperationCanceledException)
        {
            return new Received(default, false, new ConnectionEnd(EndKind.ConnectionLost));
        }
    }

    public async ValueTask<bool> SendAsync(ReadOnlyMemory<byte> payload, bool isText, CancellationToken cancel)
    {
        Sends++;
        if (Gate is { } gate && (await Task.WhenAny(gate.Task, _disposed.Task) != gate.Task || !await gate.Task))
        {
            return false;
        }

        return _toServer.Writer.TryWrite(Encoding.UTF8.GetString(payload.Span));
    }

    public ValueTask CloseAsync(int code, string reason, CancellationToken cancel)
    {
        if (_clientClosed.TrySetResult(code))
        {
            End(new ConnectionEnd(EndKind.ClosedByServer) { CloseCode = code });
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        _disposed.TrySetResult();
        _toServer.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    /// <summary>The server sends text.</summary>
    public void SendToClient(string text)
    {
        Volatile.Write(ref _lastSent, time.GetTimestamp());
        _toClient.Writer.TryWrite(new Received(Encoding.UTF8.GetBytes(text), true, null));
    }

    /// <summary>The connection ends.</summary>
    public void End(ConnectionEnd end) => _toClient.Writer.TryWrite(new Received(default, false, end));

    /// <summary>The server closes it.</summary>
    public void Close(int code, string reason = "") => End(new ConnectionEnd(EndKind.ClosedByServer) { CloseCode = code, Reason = reason });

    /// <summary>The next message of the client.</summary>
    public Task<string> ReceiveFromClientAsync() => _toServer.Reader.ReadAsync().AsTask().Within(what: "a message of the client");

    /// <summary>Whether the client has sent a message that was not read yet.</summary>
    public bool HasMore => _toServer.Reader.Count > 0;
}
