using System.Text.Json;
using Weir.Client.Sending;
using Weir.Client.Timing;
using Weir.Client.Transport;

namespace Weir.Client.Centrifugo;

/// <summary>
/// One connection of a <see cref="CentrifugoClient"/>: the connect command, pings, answers to commands. What has to outlive it is the
/// client's and the subscriptions'.
/// </summary>
internal sealed class Session : IDisposable
{
    private readonly ISessionOwner _owner;
    private readonly IClientConnection _connection;
    private readonly SendQueue _queue;
    private readonly TimeProvider _time;
    private readonly TimeSpan _maxPingDelay;
    private readonly Unanswered _unanswered;
    private readonly CancellationTokenSource _failed = new();
    private readonly CancellationTokenSource _over = new();
    private readonly Patience _silence;
    private ConnectionEnd? _failure;
    private Exception? _crash;
    private bool _answersPings;

    public Session(ISessionOwner owner, IClientConnection connection, SendQueue queue, CentrifugoClientOptions options)
    {
        _owner = owner;
        _connection = connection;
        _queue = queue;
        _time = options.TimeProvider;
        _maxPingDelay = options.MaxPingDelay;
        _unanswered = new Unanswered(_time, options.RequestTimeout);
        _silence = new Patience(_time, OnSilence, () => connection.QuietFor);
        Over = _over.Token;
    }

    /// <summary>The connection has ended.</summary>
    public CancellationToken Over { get; }

    /// <summary>Sends the connect command and serves the connection until it ends.</summary>
    public async Task<ConnectionEnd> RunAsync(uint connectId, ReadOnlyMemory<byte> connect, CancellationToken stop)
    {
        _queue.HoldBack(this);
        Send(new OwnCommand(connectId, connect, OnConnectAnswer, () => Fail(new ConnectionEnd(EndKind.TimedOut) { Reason = "no answer to connect" })));
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

    /// <summary>Sends something of the client's own, before all that waits.</summary>
    public void Send(OwnCommand command) => _queue.AddUrgent(command, this);

    /// <summary>Ends the connection, for this reason if it is the first.</summary>
    public void Fail(ConnectionEnd end)
    {
        if (Interlocked.CompareExchange(ref _failure, end, null) is null)
        {
            _failed.Cancel();
        }
    }

    /// <summary>Work of this connection beside its two tasks: what it throws is a user's callback's, and ends the client.</summary>
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

    // Not the token sources: without a timer they hold nothing, and whoever comes late may still ask them.
    public void Dispose()
    {
        _silence.Dispose();
        _unanswered.Dispose();
    }

    private async Task SendAllAsync(CancellationToken stop)
    {
        while (await _queue.TakeAsync(stop) is { } taken)
        {
            Command command = (Command)taken;
            if (stop.IsCancellationRequested)
            {
                PutBack(command);
                return;
            }

            if (command.Id != 0)
            {
                _unanswered.Add(command); // before: the answer may be here before the send says that it is done
            }

            if (!await _connection.SendAsync(command.Payload, isText: true, CancellationToken.None))
            {
                return; // it is among the unanswered
            }
        }
    }

    private void PutBack(Command command)
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

        ConnectResult result = ReplyReader.ReadConnect(reply.Result);
        _answersPings = result.Pong;
        if (result.Ping > TimeSpan.Zero)
        {
            _silence.Begin(Waits.Sum(result.Ping, _maxPingDelay));
        }

        _owner.OnConnected(this, result);
        _queue.LetGo();
    }

    private void OnSilence() => Fail(new ConnectionEnd(EndKind.Silent) { Reason = "no ping in time" });
}
