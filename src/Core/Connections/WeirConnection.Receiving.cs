using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Weir.Closing;
using Weir.Diagnostics;
using Weir.Limits;
using Weir.Protocol;
using Weir.Sending;
using Weir.Transports;

namespace Weir.Connections;

// Receiving: a pass over the received bytes calls the handler message by message, and returns whether the connection reads on. A
// pass that waits, for the handler or for the client to take its answers, continues at the same point.
public sealed partial class WeirConnection
{

    private enum Pass
    {
        /// <summary>All received bytes have been processed.</summary>
        Done,

        /// <summary>
        /// The handler went asynchronous, or the client must take its answers first; the pass continues afterwards.
        /// </summary>
        Suspended,

        /// <summary>The closing handshake is complete, or the transport has failed.</summary>
        Ended,
    }

    // The fast path allocates nothing and awaits nothing: a pass over the buffer, then the pipe gets its bytes back.
    private ValueTask<bool> ProcessAsync(PipeReader input, in ReadResult result)
    {
        if (!CountsOnlyMessages)
        {
            _timer.OnDataReceived();
        }

        ReadOnlySequence<byte> buffer = result.Buffer;
        if (_meter is { } meter && !meter.AllowsBytes(buffer.Length - _bytesLeft, _timer.CurrentTick))
        {
            OnFault(WeirClosure.RateLimited(_endpoint.Inbound!.TooManyBytes));
        }

        Pass pass = RunPass(ref buffer, out ValueTask handling);
        if (pass == Pass.Suspended)
        {
            return ProcessSlowlyAsync(input, buffer, result.IsCompleted, handling);
        }

        return new ValueTask<bool>(FinishPass(input, buffer, result.IsCompleted, pass));
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> ProcessSlowlyAsync(PipeReader input, ReadOnlySequence<byte> buffer, bool isLast, ValueTask handling)
    {
        Pass pass;
        do
        {
            try
            {
                await handling.ConfigureAwait(false);
            }
            catch (Exception error)
            {
                OnHandlerFailed(error);
            }

            _waitsForPeer = false;
            if (_isInHandler)
            {
                _isInHandler = false;
                _timer.OnDataReceived();
            }

            pass = RunPass(ref buffer, out handling);
        }
        while (pass == Pass.Suspended);

        return FinishPass(input, buffer, isLast, pass);
    }

    private bool FinishPass(PipeReader input, in ReadOnlySequence<byte> rest, bool isLast, Pass pass)
    {
        _bytesLeft = rest.Length;
        input.AdvanceTo(rest.Start, rest.End);
        if (pass == Pass.Ended)
        {
            return false;
        }

        if (isLast)
        {
            // The peer ended its side without a Close (RFC 6455 section 7.1.5), or it was the answer to ours that is missing.
            if (TrySetClosure(WeirClosure.Abort(CloseCause.TransportEnded)))
            {
                _timer.StartClose(_endpoint.CloseTimeout); // bounds the wait for what was accepted before
            }

            return false;
        }

        return true;
    }

    private Pass RunPass(ref ReadOnlySequence<byte> buffer, out ValueTask handling)
    {
        handling = default;
        long messages = 0;
        long bytes = 0;
        MessageReader reader = _reader ??= MessageReader.Borrow(_endpoint.Reading);
        _timer.CloseIfOverdue(); // no message is accepted after the end of the client's access
        SendScope scope = SendScope.Enter(_sender);
        try
        {
            while (true)
            {
                if (HandleWhole(reader, scope, ref buffer, ref messages, ref bytes, out handling) is { } pass)
                {
                    return pass;
                }

                if (_closure is { } closure && !reader.IsDiscarding)
                {
                    if (closure.Value.Code == CloseCode.Abnormal)
                    {
                        return Pass.Ended;
                    }

                    reader.Discard();
                }

                ReadEvent found = reader.Next(ref buffer);
                if (_meter is { } meter && !reader.IsDiscarding && !Allows(meter, reader, found))
                {
                    OnFault(WeirClosure.RateLimited(_endpoint.Inbound!.TooManyMessages));
                    continue;
                }

                switch (found)
                {
                    case ReadEvent.NeedMore:
                        return Pass.Done;
                    case ReadEvent.Message:
                        messages++;
                        bytes += reader.Payload.Length;
                        handling = Handle(new WeirMessage(reader.Payload, reader.Kind));
                        break;
                    case ReadEvent.Fragment:
                        messages += reader.IsLast ? 1 : 0;
                        bytes += reader.Payload.Length;
                        handling = Handle(new WeirFragment(reader.Payload, reader.Kind, reader.IsFirst, reader.IsLast));
                        break;
                    case ReadEvent.Ping:
                        _sender.SendPong(reader.Payload);
                        continue;
                    case ReadEvent.Pong:
                        OnPong();
                        continue;
                    case ReadEvent.Fault:
                        OnFault(WeirClosure.Of(reader.Fault!));
                        if (reader.HasSeenClose)
                        {
                            return Pass.Ended; // the Close itself was invalid: no other will arrive
                        }

                        continue;
                    case ReadEvent.Close:
                        OnPeerClose(reader.CloseCode, reader.CloseReason);
                        return Pass.Ended;
                }

                if (!handling.IsCompletedSuccessfully)
                {
                    _isInHandler = true;
                    return Pass.Suspended;
                }

                if (scope.OwnerMustWait)
                {
                    // A client that does not take its answers is not read from: TCP slows it down.
                    _waitsForPeer = true;
                    handling = _sender.DrainAsync();
                    return Pass.Suspended;
                }
            }
        }
        finally
        {
            if (reader.TryGiveBack())
            {
                _reader = null;
            }

            scope.Exit();
            if (messages > 0 || bytes > 0)
            {
                _endpoint.Engine.Metrics.Received.Add(messages, bytes);
            }

            if (CountsOnlyMessages && (messages > 0 || bytes > 0 || !buffer.IsEmpty || !reader.IsBetweenMessages))
            {
                _timer.OnDataReceived(); // a message, or a part of one
            }
        }
    }

    private bool CountsOnlyMessages => _endpoint.Heartbeat is { CountsOnlyMessages: true };

    // A message counts once, however it is fragmented or arrives, unless its frames are small (TakeSmallFrames); a Ping counts, and
    // so does an unsolicited Pong.
    private bool Allows(InboundMeter meter, MessageReader reader, ReadEvent found)
    {
        bool counts = found switch
        {
            ReadEvent.Message or ReadEvent.Ping => true,
            ReadEvent.Fragment => reader.IsFirst,
            ReadEvent.Pong => Volatile.Read(ref _pingSent) == 0,
            _ => false,
        };
        int count = reader.TakeSmallFrames() + (counts ? 1 : 0);
        return count == 0 || meter.AllowsMessages(count, _timer.CurrentTick);
    }

    // Handles most passes completely: whole messages, in one array of the transport. Null: another event comes next.
    private Pass? HandleWhole(
        MessageReader reader, SendScope scope, ref ReadOnlySequence<byte> buffer, ref long messages, ref long bytes, out ValueTask handling)
    {
        handling = default;
        if (_meter is not null || !SequenceMarshal.TryGetArray(buffer, out ArraySegment<byte> arrived))
        {
            return null;
        }

        byte[] array = arrived.Array!;
        int start = arrived.Offset;
        int end = start + arrived.Count;
        Pass? pass = null;
        while (pass is null && _closure is null && reader.TryTake(array, ref start, end, out MessageKind kind, out int size))
        {
            messages++;
            bytes += size;
            ValueTask pending = Handle(new WeirMessage(new ReadOnlySequence<byte>(array, start - size, size), kind));
            if (!pending.IsCompletedSuccessfully)
            {
                _isInHandler = true;
                handling = pending;
                pass = Pass.Suspended;
            }
            else if (scope.OwnerMustWait)
            {
                _waitsForPeer = true;
                handling = _sender.DrainAsync();
                pass = Pass.Suspended;
            }
        }

        buffer = new ReadOnlySequence<byte>(array, start, end - start);
        return pass is null && start == end && _closure is null && reader.IsBetweenMessages ? Pass.Done : pass;
    }

    private ValueTask Handle(in WeirMessage message)
    {
        try
        {
            return _endpoint.Handler.OnMessageAsync(this, message);
        }
        catch (Exception error)
        {
            OnHandlerFailed(error);
            return default;
        }
    }

    private ValueTask Handle(in WeirFragment fragment)
    {
        try
        {
            return _endpoint.Handler.OnFragmentAsync(this, fragment);
        }
        catch (Exception error)
        {
            OnHandlerFailed(error);
            return default;
        }
    }

    private void OnHandlerFailed(Exception error)
    {
        WeirLog.HandlerFailed(_endpoint.Engine.Logger, error, Id, Path);
        BeginClose(WeirClosure.HandlerFailed());
    }

    private void OnFault(in WeirClosure closure)
    {
        if (BeginClose(closure))
        {
            WeirLog.ProtocolFault(_endpoint.Engine.Logger, Id, (int)closure.Code, closure.Reason);
        }
    }

    // Passes over the received bytes until none are left: then the input calls. A suspended pass resumes automatically.
    private void ReadOn(LoopReader input)
    {
        bool continues = true;
        try
        {
            while (continues && input.TryRead(this, out ReadResult result))
            {
                ValueTask<bool> processing = ProcessAsync(input, result);
                if (!processing.IsCompletedSuccessfully)
                {
                    (_suspended ??= new SuspendedPass(this, input)).Await(processing);
                    return;
                }

                continues = processing.Result;
            }
        }
        catch (Exception error)
        {
            ((ISenderOwner)this).OnTransportEnded(error);
            continues = false;
        }

        if (!continues)
        {
            _ = EndDetachedAsync();
        }
    }

    /// <summary>A pass of a detached connection that waits for the handler, or for the client; made for the first.</summary>
    private sealed class SuspendedPass
    {
        private readonly WeirConnection _connection;
        private readonly LoopReader _input;
        private readonly Action _continue;
        private ValueTask<bool> _processing;

        public SuspendedPass(WeirConnection connection, LoopReader input)
        {
            _connection = connection;
            _input = input;
            _continue = Continue;
        }

        public void Await(ValueTask<bool> processing)
        {
            _processing = processing;
            processing.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(_continue);
        }

        private void Continue()
        {
            ValueTask<bool> processing = _processing;
            _processing = default;
            bool continues = false;
            try
            {
                continues = processing.GetAwaiter().GetResult();
            }
            catch (Exception error)
            {
                ((ISenderOwner)_connection).OnTransportEnded(error);
            }

            if (continues)
            {
                _connection.ReadOn(_input);
            }
            else
            {
                _ = _connection.EndDetachedAsync();
            }
        }
    }
}
