using System.Runtime.InteropServices;

namespace Weir.Transports.Epoll;

// From the socket into a buffer, the loop's or one of the connection's own, by the thread that has claimed the read.
internal sealed partial class EpollReader
{
    private const int OwnBufferBytes = 16 * 1024;

    // Of an incomplete message: up to this much is copied back into the loop's buffer, where as much can be received at once as for
    // any connection. One that stayed in its own small array would receive in small pieces for as long as it is busy.
    private const int MaxCopiedBackBytes = 32 * 1024;

    // As much as Kestrel's own transport reads ahead of its reader.
    private const int MaxDiscardedBytes = 1024 * 1024;

    /// <summary>
    /// Receives and drops unread data: a socket that is closed with bytes unread resets the connection, and the reset can destroy
    /// the last bytes sent while they are in flight. On the loop's thread, after completion.
    /// </summary>
    public unsafe void Discard(LoopThread thread)
    {
        byte[] buffer = thread.Buffer;
        int left = MaxDiscardedBytes;
        while (_isReadable && left > 0)
        {
            nint received;
            fixed (byte* target = buffer)
            {
                received = connection.Receive(target, buffer.Length);
            }

            _isReadable = received > 0;
            left -= (int)received;
        }
    }

    // The loop has claimed a pending read.
    private void ReceiveFor(LoopThread thread)
    {
        bool runsHere = RunsHere;
        if (ReceiveOrWait(runsHere ? thread : null))
        {
            try
            {
                Complete(asynchronously: !runsHere);
            }
            finally
            {
                KeepSharedBuffer(thread); // also if a continuation throws: the read is over, the bytes are its own
            }
        }
    }

    // Claims a pending read for the loop, which then receives.
    private bool TryBeginReceiveInsideLock()
    {
        bool isOurs = TryClaimInsideLock();
        if (isOurs)
        {
            _phase = ReadPhase.Receiving;
        }

        return isOurs;
    }

    private void EndReceiveInsideLock()
    {
        if (_phase == ReadPhase.Receiving)
        {
            _phase = ReadPhase.Claimed;
        }

        if (_isCompleted)
        {
            ReleaseBufferInsideLock();
        }
    }

    // For the thread that has claimed the read: the loop after an event, or the reader itself. Returns false if it is pending (again).
    private bool ReceiveOrWait(LoopThread? thread)
    {
        while (!Receive(thread))
        {
            using (_gate.Hold(this))
            {
                bool isOver = _isCanceled || _error is not null || _isCompleted;
                if (isOver || !_isReadable)
                {
                    EndReceiveInsideLock();
                    if (!isOver)
                    {
                        _phase = ReadPhase.Waiting;
                    }

                    return isOver;
                }
            }
        }

        if (!_isShared)
        {
            // Else the end comes with the result, or in KeepSharedBuffer: one lock less per event.
            using (_gate.Hold(this))
            {
                EndReceiveInsideLock();
            }
        }

        return true;
    }

    // Returns false if there was no data after all.
    private unsafe bool Receive(LoopThread? thread)
    {
        _isReadable = false;
        PrepareBuffer(thread);
        int room = _buffer!.Length - _end;
        nint received;
        fixed (byte* target = &_buffer[_end])
        {
            received = connection.Receive(target, room);
        }

        if (received > 0)
        {
            _end += (int)received;

            // A full buffer may have left data unread; and the end is signalled only once.
            // Only ever set to true: assigning the condition could overwrite an edge that occurs at this moment.
            if (received == room || connection.InputHasEnded)
            {
                _isReadable = true;
            }

            return true;
        }

        int errno = received < 0 ? Marshal.GetLastPInvokeError() : 0;
        if (_start == _end)
        {
            ReleaseBufferInsideLock(); // no read is in progress: no other code uses it
        }
        else if (_isShared && received < 0)
        {
            KeepRest(); // the loop's buffer is for the next connection
        }

        if (received == 0)
        {
            _hasEnded = true;
            connection.OnInputEnded();
            return true;
        }

        if (errno is Libc.Errno.TryAgain or Libc.Errno.Interrupted)
        {
            if (errno == Libc.Errno.Interrupted)
            {
                _isReadable = true;
            }

            return false;
        }

        _error ??= connection.ErrorOf("recv", errno);
        connection.OnInputEnded();
        return true;
    }

    private void PrepareBuffer(LoopThread? thread)
    {
        if (_buffer is null)
        {
            _isShared = thread is not null;
            _buffer = thread?.Buffer ?? connection.Arrays.Rent(OwnBufferBytes);
            _start = _examined = _end = 0;
        }
        else if (thread is not null && !_isShared && _end - _start <= MaxCopiedBackBytes)
        {
            MoveRest(thread.Buffer);
            _isShared = true;
        }
        else if (_end == _buffer.Length)
        {
            int rest = _end - _start;
            MoveRest(rest <= _buffer.Length / 2 ? _buffer : connection.Arrays.Rent(_buffer.Length * 2));
        }
    }

    // A reader that left bytes, or still uses them when it returns to the loop, needs them kept. If this thread was stuck in the
    // reader's code and has lost the loop, the buffer may be that of the thread that has it now.
    private void KeepSharedBuffer(LoopThread thread)
    {
        if (!_isShared)
        {
            return; // set on this thread, so the value is current: released since
        }

        using (_gate.Hold(this))
        {
            if (!_isShared || !thread.Owns(_buffer))
            {
                return;
            }

            if (!_isCompleted)
            {
                _isShared = false;
                thread.GiveBufferAway();
            }

            EndReceiveInsideLock();
        }
    }

    // For the owner of the read, or under the lock.
    private void KeepRest() => MoveRest(connection.Arrays.Rent(Math.Max((_end - _start) * 2, 1024)));

    private void MoveRest(byte[] target)
    {
        int rest = _end - _start;
        byte[] source = _buffer!;
        source.AsSpan(_start, rest).CopyTo(target);
        if (!ReferenceEquals(source, target) && !_isShared)
        {
            connection.Arrays.Return(source);
        }

        _buffer = target;
        _isShared = false;
        _examined -= _start;
        _start = 0;
        _end = rest;
    }

    private void ReleaseBufferInsideLock()
    {
        if (_buffer is { } buffer && !_isShared)
        {
            connection.Arrays.Return(buffer);
        }

        _buffer = null;
        _isShared = false;
        _start = _examined = _end = 0;
    }
}
