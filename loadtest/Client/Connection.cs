namespace Weir.LoadTest.Client;

/// <summary>
/// One connection of a <see cref="ClientLoop"/>: a file descriptor, a state, and bytes only where a frame or a write was split
/// in two. For the loop's thread alone.
/// </summary>
internal sealed class Connection
{
    private readonly ClientLoop _loop;
    private byte[]? _unsent;

    public Connection(ClientLoop loop, int number, int fd, Opening opening)
    {
        _loop = loop;
        Number = number;
        Fd = fd;
        Opening = opening;
    }

    internal enum Phase : byte
    {
        Connecting,

        /// <summary>The TLS handshake is under way.</summary>
        Securing,
        Requested,

        /// <summary>Upgraded; the answer to the greeting is to come.</summary>
        Settling,
        Open,
        Ended,
    }

    /// <summary>Assigned by the caller that opened it.</summary>
    public int Number { get; }

    public bool IsOpen => State == Phase.Open;

    /// <summary>
    /// Whether part of what was sent still waits for the system to take it. A publisher should wait too, so
    /// that the loop gets to pass it on.
    /// </summary>
    public bool IsBackedUp => _unsent is not null;

    /// <summary>For the protocol: how many answers to the greeting are still to come.</summary>
    public int AnswersDue { get; set; }

    internal int Fd { get; }

    /// <summary>The SSL of OpenSSL; 0 without TLS.</summary>
    internal nint Tls { get; set; }

    internal bool TlsNeedsWrite { get; set; }

    /// <summary>The first bytes to send; null once they have been sent.</summary>
    internal Opening? Opening { get; set; }

    internal Phase State { get; set; }

    /// <summary>The beginning of a frame or of the response's head whose rest is to come; null when there is none.</summary>
    internal byte[]? Begun { get; set; }

    /// <summary>
    /// Of the send that found the connection broken: the system reports a reset once, so reading then finds a mere end. Else 0.
    /// </summary>
    internal int SendError { get; set; }

    /// <summary>The content of the server's close frame, once it has come.</summary>
    internal ConnectionEnd? Closed { get; set; }

    internal bool HasSentClose { get; private set; }

    internal bool IsPaused { get; private set; }

    internal uint Interest
        => (IsPaused ? 0 : Libc.EPOLLIN)
        | (State == Phase.Connecting || TlsNeedsWrite || _unsent is not null ? Libc.EPOLLOUT : 0);

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

        int sent = _loop.TrySend(this, frames);
        if (sent < frames.Length)
        {
            _unsent = frames[sent..].ToArray();
            _loop.Update(this);
        }
    }

    /// <summary>Begins the closing handshake, or answers the server's.</summary>
    public void SendClose(int code)
    {
        if (!HasSentClose && State is Phase.Settling or Phase.Open)
        {
            HasSentClose = true;
            Send(MaskedFrames.Close(code));
        }
    }

    /// <summary>Closes the socket without a close frame, as for a client whose machine was switched off (but for the RST or FIN).</summary>
    public void Abort() => _loop.End(this, ConnectionEnd.WithoutCloseFrame("aborted by ourselves"));

    /// <summary>Stops reading, as a client does that hangs: the system's buffers fill up, then the server's.</summary>
    public void Pause() => SetPaused(true);

    public void Resume() => SetPaused(false);

    /// <summary>The socket takes bytes again.</summary>
    internal void SendRest()
    {
        if (_unsent is { } unsent)
        {
            int sent = _loop.TrySend(this, unsent);
            _unsent = sent < unsent.Length ? unsent[sent..] : null;
            if (_unsent is null)
            {
                _loop.Update(this);
            }
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
}
