using System.Text;

namespace Weir.LoadTest.Client;

/// <summary>
/// All connections, on one thread and one epoll. Light on purpose: what it costs it takes from the server on the same
/// machine. One buffer serves all reads; a connection holds bytes of its own only while a frame is incomplete.
/// </summary>
internal sealed class ClientLoop(Target target, SourceAddresses sources, IClientEvents events) : IDisposable
{
    private const int ReadBytes = 64 * 1024;

    private readonly Epoll _epoll = new();
    private readonly List<Connection?> _connections = [];
    private byte[] _buffer = new byte[2 * ReadBytes];

    /// <summary>Connections that have not ended.</summary>
    public int Count { get; private set; }

    /// <summary>Begins to open a connection; <see cref="IClientEvents"/> tells what became of it.</summary>
    /// <param name="number">For the caller's use; one connection at a time has it.</param>
    /// <param name="query">Of its URL.</param>
    /// <param name="receiveBufferBytes">SO_RCVBUF, for a connection that is to fill up soon; null: the system's own.</param>
    public Connection Open(int number, string query, int? receiveBufferBytes = null)
    {
        int fd = Libc.Socket(Libc.AF_INET, Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0)
        {
            throw new InvalidOperationException($"socket: errno {Libc.Errno}; {Count} are open. Is 'ulimit -n' high enough?");
        }

        Connection connection = new(this, number, fd, target.Request(query));
        while (_connections.Count <= number)
        {
            _connections.Add(null);
        }

        _connections[number] = connection;
        Count++;
        _epoll.Add(fd, number, connection.Interest);
        SetOption(fd, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, 1);
        if (receiveBufferBytes is { } bytes)
        {
            SetOption(fd, Libc.SOL_SOCKET, Libc.SO_RCVBUF, bytes);
        }

        if (sources.Of(number) is { } address)
        {
            // The port is chosen at the connect, where it need be unique for this server only.
            SetOption(fd, Libc.IPPROTO_IP, Libc.IP_BIND_ADDRESS_NO_PORT, 1);
            if (Libc.Bind(fd, new Libc.SocketAddress(0, address), Libc.SocketAddress.Length) != 0)
            {
                End(connection, ConnectionEnd.Cut($"bind: errno {Libc.Errno}"));
                return connection;
            }
        }

        if (Libc.Connect(fd, target.SocketAddress, Libc.SocketAddress.Length) != 0 && Libc.Errno != Libc.EINPROGRESS)
        {
            End(connection, ConnectionEnd.Cut($"connect: errno {Libc.Errno}"));
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

    /// <summary>Ends all that is left, without a word.</summary>
    public void Dispose()
    {
        foreach (Connection? connection in _connections)
        {
            if (connection is { State: not Connection.Phase.Ended })
            {
                _ = Libc.Close(connection.Fd);
            }
        }

        _epoll.Dispose();
    }

    internal void Update(Connection connection) => _epoll.Change(connection.Fd, connection.Number, connection.Interest);

    private static void SetOption(int fd, int level, int name, int value) => _ = Libc.SetOption(fd, level, name, value, sizeof(int));

    private void Handle(Connection connection, uint happened)
    {
        if (connection.State == Connection.Phase.Connecting)
        {
            FinishConnect(connection);
            return;
        }

        if ((happened & Libc.EPOLLOUT) != 0)
        {
            connection.SendRest();
        }

        // A paused one is read all the same when it has broken: only reading tells how.
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
            End(connection, ConnectionEnd.Cut($"connect: errno {error}"));
            return;
        }

        connection.State = Connection.Phase.Requested;
        connection.Send(connection.Request);
        connection.Request = null;
        Update(connection);
    }

    private void Read(Connection connection)
    {
        int begun = connection.Begun?.Length ?? 0;
        connection.Begun?.CopyTo(_buffer.AsSpan());
        if (_buffer.Length - begun < ReadBytes)
        {
            Array.Resize(ref _buffer, 2 * _buffer.Length);
        }

        nint read = Libc.Receive(connection.Fd, _buffer.AsSpan(begun, ReadBytes), ReadBytes, 0);
        if (read <= 0)
        {
            if (read == 0 || Libc.Errno is not (Libc.EAGAIN or Libc.EINTR))
            {
                End(connection, connection.Closed ?? ConnectionEnd.Cut(read == 0 ? "FIN without a close frame" : $"recv: errno {Libc.Errno}"));
            }

            return;
        }

        ReadOnlySpan<byte> bytes = _buffer.AsSpan(0, begun + (int)read);
        try
        {
            int used = connection.State == Connection.Phase.Requested ? ReadHead(connection, bytes) : 0;
            if (connection.State is Connection.Phase.Settling or Connection.Phase.Open)
            {
                used += ReadFrames(connection, bytes[used..]);
            }

            connection.Begun = used == bytes.Length || connection.State == Connection.Phase.Ended ? null : bytes[used..].ToArray();
        }
        catch (InvalidDataException error)
        {
            End(connection, ConnectionEnd.Cut(error.Message));
        }
    }

    private int ReadHead(Connection connection, ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return 0;
        }

        if (!Target.IsUpgraded(bytes[..end], out string statusLine))
        {
            End(connection, ConnectionEnd.Cut(statusLine));
            return bytes.Length;
        }

        connection.State = Connection.Phase.Settling;
        connection.Send(MaskedFrames.Ping);
        return end + 4;
    }

    private int ReadFrames(Connection connection, ReadOnlySpan<byte> bytes)
    {
        int used = 0;
        while (connection.State != Connection.Phase.Ended && ServerFrame.TryParse(bytes[used..], out ServerFrame frame))
        {
            ReadOnlySpan<byte> payload = bytes[(used + frame.PayloadStart)..(used + frame.End)];
            used += frame.End;
            switch (frame.Opcode)
            {
                case ServerFrame.Text or ServerFrame.Binary:
                    events.OnMessage(connection, payload);
                    break;
                case ServerFrame.Ping:
                    SendPong(connection, payload);
                    break;
                case ServerFrame.Pong when connection.State == Connection.Phase.Settling:
                    connection.State = Connection.Phase.Open;
                    events.OnOpened(connection);
                    break;
                case ServerFrame.Close:
                    int code = payload.Length < 2 ? 1005 : (payload[0] << 8) | payload[1];
                    connection.Closed = new ConnectionEnd(code, payload.Length < 2 ? "" : Encoding.UTF8.GetString(payload[2..]));
                    connection.SendClose(code == 1005 ? 1000 : code);
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

    private void End(Connection connection, ConnectionEnd end)
    {
        bool wasOpen = connection.IsOpen;
        connection.State = Connection.Phase.Ended;
        connection.Begun = null;
        _ = Libc.Close(connection.Fd); // which takes it out of the epoll
        Count--;
        if (wasOpen)
        {
            events.OnEnded(connection, end);
        }
        else
        {
            events.OnRefused(connection, end.Reason);
        }
    }
}
