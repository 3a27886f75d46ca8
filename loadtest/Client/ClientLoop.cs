using Weir.LoadTest.Protocols;

namespace Weir.LoadTest.Client;

/// <summary>
/// All connections of a process, on one thread and one epoll. Light on purpose: what it costs it takes from the server on the
/// same machine. One buffer serves all reads; a connection holds bytes of its own only while a frame is incomplete.
/// </summary>
internal sealed class ClientLoop(IProtocol protocol, SourceAddresses sources, IClientEvents events) : IDisposable
{
    private const int ReadBytes = 64 * 1024;

    private readonly Epoll _epoll = new();
    private readonly List<Connection?> _connections = [];
    private byte[] _buffer = new byte[2 * ReadBytes];

    /// <summary>Connections that have not ended.</summary>
    public int Count { get; private set; }

    /// <summary>The connection that has this number, or had it last; null if none has had it.</summary>
    public Connection? this[int number] => number < _connections.Count ? _connections[number] : null;

    /// <summary>Begins to open a connection; <see cref="IClientEvents"/> has the result.</summary>
    /// <param name="number">For the caller's use; one connection at a time has it.</param>
    /// <param name="sourceNumber">By which its source address is chosen.</param>
    public Connection Open(int number, int sourceNumber, Opening opening)
    {
        int fd = Libc.Socket(Libc.AF_INET, Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0)
        {
            throw new InvalidOperationException($"socket: errno {Libc.Errno}; {Count} are open. Is 'ulimit -n' high enough?");
        }

        Connection connection = new(this, number, fd, opening);
        while (_connections.Count <= number)
        {
            _connections.Add(null);
        }

        _connections[number] = connection;
        Count++;
        _epoll.Add(fd, number, connection.Interest);
        SetOption(fd, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, 1);
        if (opening.ReceiveBufferBytes is { } bytes)
        {
            SetOption(fd, Libc.SOL_SOCKET, Libc.SO_RCVBUF, bytes);
        }

        if (sources.Of(sourceNumber) is { } address)
        {
            // The port is chosen at the connect, where it need be unique for this server only.
            SetOption(fd, Libc.IPPROTO_IP, Libc.IP_BIND_ADDRESS_NO_PORT, 1);
            if (Libc.Bind(fd, new Libc.SocketAddress(0, address), Libc.SocketAddress.Length) != 0)
            {
                End(connection, ConnectionEnd.WithoutCloseFrame($"bind: errno {Libc.Errno}"));
                return connection;
            }
        }

        if (Libc.Connect(fd, opening.Target.SocketAddress, Libc.SocketAddress.Length) != 0 && Libc.Errno != Libc.EINPROGRESS)
        {
            End(connection, ConnectionEnd.WithoutCloseFrame($"connect: errno {Libc.Errno}"));
        }

        return connection;
    }

    /// <summary>Waits for something to happen, at most so long, and deals with all that has.</summary>
    public void Run(TimeSpan timeout)
    {
        int count = _epoll.Wait(timeout);
        for (int i = 0; i < count; i++)
        {
            (int number, uint happened) = _epoll[i];
            if (_connections[number] is { State: not Connection.Phase.Ended } connection)
            {
                Handle(connection, happened);
            }
        }
    }

    /// <summary>Aborts all open connections.</summary>
    public void Dispose()
    {
        foreach (Connection? connection in _connections)
        {
            if (connection is { State: not Connection.Phase.Ended })
            {
                Release(connection);
            }
        }

        _epoll.Dispose();
    }

    /// <summary>For the protocol: the greeting has been answered.</summary>
    internal void SetOpen(Connection connection)
    {
        connection.State = Connection.Phase.Open;
        connection.Opening = null;
        events.OnOpened(connection);
    }

    internal void Update(Connection connection) => _epoll.Change(connection.Fd, connection.Number, connection.Interest);

    // A broken connection takes everything: its end is found where it is read.
    internal int TrySend(Connection connection, ReadOnlySpan<byte> bytes)
    {
        if (connection.Tls == 0)
        {
            nint sent = Libc.Send(connection.Fd, bytes, bytes.Length, Libc.MSG_NOSIGNAL);
            if (sent >= 0)
            {
                return (int)sent;
            }

            int error = Libc.Errno;
            if (error is Libc.EAGAIN or Libc.EINTR)
            {
                return 0;
            }

            connection.SendError = connection.SendError == 0 ? error : connection.SendError;
            return bytes.Length;
        }

        int written = 0;
        while (written < bytes.Length)
        {
            OpenSsl.ClearErrors();
            int result = OpenSsl.Write(connection.Tls, bytes[written..], bytes.Length - written);
            if (result <= 0)
            {
                bool mustWait = OpenSsl.GetError(connection.Tls, result) is OpenSsl.SSL_ERROR_WANT_READ or OpenSsl.SSL_ERROR_WANT_WRITE;
                return mustWait ? written : bytes.Length;
            }

            written += result;
        }

        return written;
    }

    internal void End(Connection connection, ConnectionEnd end)
    {
        bool wasOpen = connection.IsOpen;
        connection.State = Connection.Phase.Ended;
        connection.Begun = null;
        connection.Opening = null;
        Release(connection);
        Count--;
        if (wasOpen)
        {
            events.OnEnded(connection, end);
        }
        else
        {
            events.OnRefused(connection, end.ToString());
        }
    }

    private static void Release(Connection connection)
    {
        if (connection.Tls != 0)
        {
            OpenSsl.Free(connection.Tls);
            connection.Tls = 0;
        }

        _ = Libc.Close(connection.Fd); // which takes it out of the epoll
    }

    private static void SetOption(int fd, int level, int name, int value) => _ = Libc.SetOption(fd, level, name, value, sizeof(int));

    private void Handle(Connection connection, uint happened)
    {
        if (connection.State == Connection.Phase.Connecting)
        {
            FinishConnect(connection);
            return;
        }

        if (connection.State == Connection.Phase.Securing)
        {
            ContinueSecuring(connection);
            return;
        }

        if ((happened & Libc.EPOLLOUT) != 0)
        {
            connection.SendRest();
        }

        // A paused one is read all the same when it has broken: only reading returns the error.
        if ((happened & (Libc.EPOLLIN | Libc.EPOLLERR | Libc.EPOLLHUP)) != 0)
        {
            Read(connection);
        }
    }

    private void FinishConnect(Connection connection)
    {
        int length = sizeof(int);
        if (Libc.GetOption(connection.Fd, Libc.SOL_SOCKET, Libc.SO_ERROR, out int error, ref length) != 0 || error != 0)
        {
            End(connection, ConnectionEnd.WithoutCloseFrame($"connect: errno {error}"));
        }
        else if (connection.Opening!.Target.Tls is { } tls)
        {
            connection.State = Connection.Phase.Securing;
            connection.Tls = tls.Begin(connection.Fd);
            ContinueSecuring(connection);
        }
        else
        {
            SendRequest(connection);
        }
    }

    private void ContinueSecuring(Connection connection)
    {
        OpenSsl.ClearErrors();
        int result = OpenSsl.Connect(connection.Tls);
        int error = result == 1 ? 0 : OpenSsl.GetError(connection.Tls, result);
        connection.TlsNeedsWrite = error == OpenSsl.SSL_ERROR_WANT_WRITE;
        if (result == 1)
        {
            SendRequest(connection);
        }
        else if (error is OpenSsl.SSL_ERROR_WANT_READ or OpenSsl.SSL_ERROR_WANT_WRITE)
        {
            Update(connection);
        }
        else
        {
            End(connection, ConnectionEnd.WithoutCloseFrame(TlsClient.Problem(connection.Tls)));
        }
    }

    private void SendRequest(Connection connection)
    {
        connection.State = Connection.Phase.Requested;
        connection.Send(connection.Opening!.Request);
        Update(connection);
    }

    private void Read(Connection connection)
    {
        // Of a TLS session all is read: epoll does not report what is decrypted already.
        do
        {
            int begun = connection.Begun?.Length ?? 0;
            connection.Begun?.CopyTo(_buffer.AsSpan());
            if (_buffer.Length - begun < ReadBytes)
            {
                Array.Resize(ref _buffer, 2 * _buffer.Length);
            }

            int read = Receive(connection, _buffer.AsSpan(begun, ReadBytes));
            if (read <= 0)
            {
                return;
            }

            Take(connection, _buffer.AsSpan(0, begun + read));
        }
        while (connection.Tls != 0 && connection is { State: not Connection.Phase.Ended, IsPaused: false });
    }

    // 0: no data, or the connection has ended.
    private int Receive(Connection connection, Span<byte> buffer)
    {
        int read;
        bool mustWait;
        if (connection.Tls == 0)
        {
            read = (int)Libc.Receive(connection.Fd, buffer, buffer.Length, 0);
            mustWait = read < 0 && Libc.Errno is Libc.EAGAIN or Libc.EINTR;
        }
        else
        {
            OpenSsl.ClearErrors();
            read = OpenSsl.Read(connection.Tls, buffer, buffer.Length);
            int error = read > 0 ? 0 : OpenSsl.GetError(connection.Tls, read);
            mustWait = error is OpenSsl.SSL_ERROR_WANT_READ or OpenSsl.SSL_ERROR_WANT_WRITE;
            read = error == OpenSsl.SSL_ERROR_ZERO_RETURN ? 0 : read;
        }

        if (read <= 0 && !mustWait)
        {
            string how = read < 0 ? $"recv: errno {Libc.Errno}"
                : connection.SendError != 0 ? $"send: errno {connection.SendError}"
                : "FIN without a close frame";
            End(connection, connection.Closed ?? ConnectionEnd.WithoutCloseFrame(how));
        }

        return Math.Max(0, read);
    }

    private void Take(Connection connection, ReadOnlySpan<byte> bytes)
    {
        try
        {
            int used = connection.State == Connection.Phase.Requested ? TakeHead(connection, bytes) : 0;
            if (connection.State is Connection.Phase.Settling or Connection.Phase.Open)
            {
                used += TakeFrames(connection, bytes[used..]);
            }

            connection.Begun = used == bytes.Length || connection.State == Connection.Phase.Ended ? null : bytes[used..].ToArray();
        }
        catch (InvalidDataException error)
        {
            End(connection, ConnectionEnd.WithoutCloseFrame(error.Message));
        }

        if (connection.IsOpen)
        {
            events.OnRead(connection);
        }
    }

    private int TakeHead(Connection connection, ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return 0;
        }

        if (!Target.IsUpgraded(bytes[..end], out string statusLine))
        {
            End(connection, ConnectionEnd.WithoutCloseFrame(statusLine));
            return bytes.Length;
        }

        Opening opening = connection.Opening!;
        connection.State = Connection.Phase.Settling;
        connection.AnswersDue = opening.Answers;
        connection.Send(opening.Greeting);
        return end + 4;
    }

    private int TakeFrames(Connection connection, ReadOnlySpan<byte> bytes)
    {
        int used = 0;
        while (connection.State != Connection.Phase.Ended && ServerFrame.TryParse(bytes[used..], out ServerFrame frame))
        {
            ReadOnlySpan<byte> payload = bytes[(used + frame.PayloadStart)..(used + frame.End)];
            used += frame.End;
            switch (frame.Opcode)
            {
                case ServerFrame.Ping:
                    SendPong(connection, payload);
                    events.OnHeartbeat(connection);
                    break;
                case ServerFrame.Close:
                    ConnectionEnd closed = ConnectionEnd.FromClosePayload(payload);
                    connection.Closed = closed;
                    connection.SendClose(closed.Answer);
                    break;
                default:
                    protocol.Take(this, connection, frame.Opcode, payload, events);
                    break;
            }
        }

        return used;
    }

    private static void SendPong(Connection connection, ReadOnlySpan<byte> payload)
    {
        Span<byte> frame = stackalloc byte[6 + 125];
        connection.Send(frame[..MaskedFrames.Write(frame, ServerFrame.Pong, payload)]);
    }
}
