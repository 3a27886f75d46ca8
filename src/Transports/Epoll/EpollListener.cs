using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Weir.Listening;

namespace Weir.Transports.Epoll;

/// <summary>
/// One address. On TCP every loop has a listening socket of its own (SO_REUSEPORT: the kernel spreads clients over them by
/// their address); on a Unix socket the loops share one.
/// </summary>
internal sealed class EpollListener : IConnectionListener
{
    private readonly EpollTransport _transport;
    private readonly List<Socket> _sockets = [];
    private readonly EpollAcceptor[] _acceptors;

    // Kestrel's accept loop continues on the thread that accepted: it only hands the connection to the thread pool.
    private readonly Channel<ConnectionContext> _accepted = Channel.CreateUnbounded<ConnectionContext>(
        new UnboundedChannelOptions { SingleReader = true, AllowSynchronousContinuations = true });

    private EpollListener(EpollTransport transport, EndPoint endPoint)
    {
        _transport = transport;
        try
        {
            EndPoint = Bind(transport, endPoint);
            _acceptors = new EpollAcceptor[transport.Loops.Length];
            for (int i = 0; i < _acceptors.Length; i++)
            {
                _acceptors[i] = new EpollAcceptor(
                    transport.Loops[i], _sockets[Math.Min(i, _sockets.Count - 1)], EndPoint, _accepted.Writer);
            }
        }
        catch
        {
            CloseSockets();
            throw;
        }
    }

    public EndPoint EndPoint { get; }

    /// <exception cref="AddressInUseException">Another socket listens there.</exception>
    /// <exception cref="SocketException">The address cannot be bound for another reason.</exception>
    public static EpollListener Bind(EndPoint endPoint, EpollTransport transport)
    {
        EpollListener listener = new(transport, endPoint);
        foreach (EpollAcceptor acceptor in listener._acceptors)
        {
            acceptor.Start();
        }

        return listener;
    }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await _accepted.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (_accepted.Reader.TryRead(out ConnectionContext? connection))
            {
                return connection;
            }
        }

        return null;
    }

    /// <summary>
    /// Stops accepting without losing a connection that the kernel has completed: new ones are held off first, and the loops accept
    /// the rest.
    /// </summary>
    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        await ListenSocket.HoldOffAsync(_sockets, EndPoint, _transport.Logger, cancellationToken).ConfigureAwait(false);
        await Task.WhenAll(_acceptors.Select(static acceptor => acceptor.StopAsync())).ConfigureAwait(false); // loops answer immediately
        CloseSockets();
        _accepted.Writer.TryComplete();
    }

    public ValueTask DisposeAsync()
    {
        CloseSockets();
        _accepted.Writer.TryComplete();
        return default;
    }

    private EndPoint Bind(EpollTransport transport, EndPoint endPoint)
    {
        if (endPoint is not IPEndPoint ip || transport.Loops.Length == 1)
        {
            Socket only = Listen(endPoint, transport.Backlog, shares: false);
            return only.LocalEndPoint!;
        }

        // Sockets that share a port also share it with another process that does, so a first one, which does not share,
        // tests whether the port is free (or which one is, for port 0).
        EndPoint bound;
        using (Socket probe = ListenSocket.Bind(ip, static endPoint => OpenBound(endPoint, shares: false)))
        {
            bound = probe.LocalEndPoint!;
        }

        foreach (EpollLoop _ in transport.Loops)
        {
            Listen(bound, transport.Backlog, shares: true);
        }

        return bound;
    }

    private Socket Listen(EndPoint endPoint, int backlog, bool shares)
    {
        Socket socket = ListenSocket.Bind(endPoint, each => OpenBound(each, shares));
        _sockets.Add(socket);
        socket.Listen(backlog);
        socket.Blocking = false;
        return socket;
    }

    private static Socket Open(EndPoint endPoint, bool shares)
    {
        if (endPoint is not IPEndPoint ip)
        {
            return new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        }

        Socket socket = new(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (ip.Address.Equals(IPAddress.IPv6Any))
        {
            socket.DualMode = true; // as Kestrel's own transport: [::] includes IPv4
        }

        SetOption(socket, Libc.SoReuseAddress); // a restart must not wait for the last run's connections to leave TIME_WAIT
        if (shares)
        {
            SetOption(socket, Libc.SoReusePort);
        }

        return socket;
    }

    private static void SetOption(Socket socket, int option) => socket.SetRawSocketOption(Libc.SolSocket, option, BitConverter.GetBytes(1));

    private static Socket OpenBound(EndPoint endPoint, bool shares)
    {
        Socket socket = Open(endPoint, shares);
        try
        {
            socket.Bind(endPoint);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private void CloseSockets()
    {
        foreach (Socket socket in _sockets)
        {
            socket.Dispose();
        }
    }
}
