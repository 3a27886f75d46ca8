using System.Text.Json;
using Weir.Client.Events;
using Weir.Client.Sending;
using Weir.Client.Timing;
using Weir.Client.Transport;

namespace Weir.Client.Centrifugo;

/// <summary>
/// One connection of a <see cref="CentrifugoClient"/>: the connect command, pings, replies to commands. State that outlives it
/// belongs to the client and its subscriptions.
/// </summary>
internal sealed class ProtocolConnection : IDisposable
{
    private readonly ISessionOwner _owner;
    private readonly IClientConnection _connection;
    private readonly ClientSendQueue _queue;
    private readonly TimeProvider _time;
    private readonly TimeSpan _maxPingDelay;
    private readonly Unanswered _unanswered;
    private readonly CancellationTokenSource _failed = new();
    private readonly CancellationTokenSource _over = new();
    private readonly RunningTimeout _heartbeat;
    private ConnectionEnd? _failure;
    private Exception? _crash;
    private bool _answersPings;

    public ProtocolConnection(ISessionOwner owner, IClientConnection connection, ClientSendQueue queue, ProtocolSettings settings)
    {
        _owner = owner;
        _connection = connection;
        _queue = queue;
        _time = settings.Time;
        _maxPingDelay = settings.MaxPingDelay;
        _unanswered = new Unanswered(_time, settings.RequestTimeout);
        _heartbeat = new RunningTimeout(_time, OnHeartbeatTimeout, () => connection.IdleFor);
        Over = _over.Token;
    }

    /// <summary>Cancelled when the connection has ended.</summary>
    public CancellationToken Over { get; }

    /// <summary>Sends the connect command and serves the connection until it ends.</summary>
    public async Task<ConnectionEnd> RunAsync(uint connectId, ReadOnlyMemory<byte> connect, CancellationToken stop)
    {
        _queue.HoldBack(this);
        Send(new OwnCommand(
            connectId, connect, OnConnectAnswer, () => Fail(new ConnectionEnd(EndKind.TimedOut) { Reason = "no answer to connect" })));
        try
        {
            ConnectionEnd end = await Duplex.RunAsync(_connection, _time, SendAllAsync, ReceiveAllAsync, stop);
            if (_crash is { } crash)
            {
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(crash);
            }

            return Volatile.Read(ref _failure) ?? end;
        }
        finally
        {
            await _over.CancelAsync();
            _queue.HoldBack(null);
            _unanswered.EndAll();
        }
    }

    /// <summary>Sends a command of the client itself ahead of the send queue.</summary>
    public void Send(OwnCommand command) => _queue.AddUrgent(command, this);

    /// <summary>Ends the connection; only the first reason is recorded.</summary>
    public void Fail(ConnectionEnd end)
    {
        if (Interlocked.CompareExchange(ref _failure, end, null) is null)
        {
            _failed.Cancel();
        }
    }

    /// <summary>
    /// Observes work of this connection beside its two tasks: an exception comes from a callback of the application and ends the
    /// client.
    /// </summary>
    public async void Watch(Task work)
    {
        try
        {
            await work;
        }
        catch (Exception error)
        {
            Interlocked.CompareExchange(ref _crash, error, null);
            Fail(new ConnectionEnd(EndKind.ClosedByClient));
        }
    }

    // The token sources are not disposed: without a timer they hold no resources, and late callers may still read them.
    public void Dispose()
    {
        _heartbeat.Dispose();
        _unanswered.Dispose();
    }

    private async Task SendAllAsync(CancellationToken stop)
    {
        while (await _queue.TakeAsync(stop) is { } taken)
        {
            PendingCommand command = (PendingCommand)taken;
            if (stop.IsCancellationRequested)
            {
                PutBack(command);
                return;
            }

            if (command.Id != 0)
            {
                _unanswered.Add(command); // added first: the reply may arrive before the send returns
            }

            if (!await _connection.SendAsync(command.Payload, isText: true, CancellationToken.None))
            {
                return; // it remains in _unanswered
            }
        }
    }

    private void PutBack(PendingCommand command)
    {
        if (command is UserCommand)
        {
            _queue.PutBack(command);
        }
    }

    private async Task<ConnectionEnd> ReceiveAllAsync(CancellationToken ended)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(ended, _failed.Token);
        while (true)
        {
            Received received = await _connection.ReceiveAsync(either.Token);
            if (received.End is { } end)
            {
                return end;
            }

            try
            {
                foreach (Reply reply in ReplyReader.ReadFrame(received.Payload))
                {
                    Handle(reply);
                }
            }
            catch (JsonException error)
            {
                return new ConnectionEnd(EndKind.ProtocolError) { Reason = error.Message, Error = error };
            }
        }
    }

    private void Handle(in Reply reply)
    {
        if (reply.Id != 0)
        {
            _unanswered.Take(reply.Id)?.Answer(reply);
        }
        else if (reply.IsPing)
        {
            if (_answersPings)
            {
                Send(new OwnCommand(0, CommandWriter.Pong));
            }
        }
        else
        {
            _owner.OnPush(this, ReplyReader.ReadPush(reply.Push));
        }
    }

    private void OnConnectAnswer(Reply reply)
    {
        if (reply.Error is { } error)
        {
            Fail(new ConnectionEnd(EndKind.Rejected) { ErrorCode = error.Code, Reason = error.Message, IsTemporary = error.IsTemporary });
            return;
        }

        ConnectReply result = ReplyReader.ReadConnect(reply.Result);
        _answersPings = result.Pong;
        if (result.Ping > TimeSpan.Zero)
        {
            _heartbeat.Begin(Waits.Sum(result.Ping, _maxPingDelay));
        }

        _owner.OnConnected(this, result);
        _queue.Permit();
    }

    private void OnHeartbeatTimeout() => Fail(new ConnectionEnd(EndKind.HeartbeatTimeout) { Reason = "no ping in time" });
}
