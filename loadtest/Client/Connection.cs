namespace Weir.LoadTest.Client;

/// <summary>
/// One connection of a <see cref="ClientLoop"/>: a file descriptor, a state, and bytes only where a frame or a write was cut
/// in two. For the loop's thread alone.
/// </summary>
internal sealed class Connection
{
    private readonly ClientLoop _loop;
    private byte[]? _unsent;

    public Connection(ClientLoop loop, int number, int fd, byte[] request)
    {
        _loop = loop;
        Number = number;
        Fd = fd;
        Request = request;
    }

    internal enum Phase : byte
    {
        Connecting,
        Requested,

        /// <summary>Upgraded; the answer to our Ping is to come.</summary>
        Settling,
        Open,
        Ended,
    }

    /// <summary>Given by whoever opened it.</summary>
    public int Number { get; }

    public bool IsOpen => State == Phase.Open;

    /// <summary>
    /// Whether part of what was sent still waits for the system to take it. Whoever has more to publish should wait too, so
    /// that the loop gets to pass it on.
    /// </summary>
    public bool IsBackedUp => _unsent is not null;

    internal int Fd { get; }

    internal byte[]? Request { get; set; }

    internal Phase State { get; set; }

    /// <summary>The beginning of a frame or of the response's head whose rest is to come; null when there is none.</summary>
    internal byte[]? Begun { get; set; }

    /// <summary>What the server's close frame said, once it has come.</summary>
    internal ConnectionEnd? Closed { get; set; }

    internal bool HasSentClose { get; private set; }

    internal bool IsPaused { get; private set; }

    internal uint Interest => (IsPaused ? 0 : Libc.EPOLLIN) | (_unsent is null && State != Phase.Connecting ? 0 : Libc.EPOLLOUT);

    /// <summary>Sends one or more whole frames; what the system does not take now follows when it does.</summary>
    public void Send(ReadOnlySpan<byte> frames)
    {
        if (State == Phase.Ended)
        {
            return;
        }

        if (_unsent is not null)
        {
            _unsent = [.. _unsent, .. frames];
            return;
        }

        int sent = TrySend(frames);
        if (sent < frames.Length)
        {
            _unsent = frames[sent..].ToArray();
            _loop.Update(this);
        }
    }

    /// <summary>Begins the closing handshake, or answers the server's.</summary>
    public void SendClose(int code)
    {
        if (!HasSentClose)
        {
            HasSentClose = true;
            Send(MaskedFrames.Make(ServerFrame.Close, [(byte)(code >> 8), (byte)code]));
        }
    }

    /// <summary>Stops reading, as a client does that hangs: the system's buffers fill up, then the server's.</summary>
    public void Pause() => SetPaused(true);

    public void Resume() => SetPaused(false);

    /// <summary>The socket takes bytes again.</summary>
    internal void SendRest()
    {
        if (_unsent is { } unsent)
        {
            int sent = TrySend(unsent);
            _unsent = sent < unsent.Length ? unsent[sent..] : null;
            _loop.Update(this);
        }
    }

    private void SetPaused(bool isPaused)
    {
        if (State != Phase.Ended)
        {
            IsPaused = isPaused;
            _loop.Update(this);
        }
    }

    // A broken connection takes everything: its end is found where it is read.
    private int TrySend(ReadOnlySpan<byte> bytes)
    {
        nint sent = Libc.Send(Fd, bytes, bytes.Length, Libc.MSG_NOSIGNAL);
        return sent >= 0 ? (int)sent : Libc.Errno is Libc.EAGAIN or Libc.EINTR ? 0 : bytes.Length;
    }
}
