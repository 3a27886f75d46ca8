using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Weir.Transports.Epoll;

/// <summary>
/// Accepts on one loop: on the loop's own listening socket, or on one that all loops share. The accepted connections stay on
/// this loop.
/// </summary>
internal sealed class EpollAcceptor(EpollLoop loop, Socket socket, EndPoint endPoint, ChannelWriter<ConnectionContext> accepted)
    : IEventTarget, IThreadPoolWorkItem
{
    // So that a storm does not delay the events of open connections.
    private const int MaxAcceptsPerEvent = 64;

    private readonly int _descriptor = (int)socket.SafeHandle.DangerousGetHandle();
    private readonly bool _isTcp = endPoint is IPEndPoint;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _slot = -1;
    private volatile bool _isStopping;

    public EpollLoop Loop { get; } = loop;

    public EpollTransport Transport => Loop.Transport;

    /// <summary>The local address of all connections; <c>null</c> if each may have another.</summary>
    public EndPoint? SpecificEndPoint { get; } =
        endPoint is IPEndPoint ip && (ip.Address.Equals(IPAddress.Any) || ip.Address.Equals(IPAddress.IPv6Any)) ? null : endPoint;

    string ICallTarget.Name => endPoint.ToString() ?? "";

    /// <summary>Begins to accept. Thread-safe.</summary>
    public void Start() => Loop.Post(this);

    /// <summary>Accepts the connections in the backlog and no more; completes when the loop has released the socket. Thread-safe.</summary>
    public Task StopAsync()
    {
        _isStopping = true;
        Loop.Post(this);
        return _stopped.Task;
    }

    void IThreadPoolWorkItem.Execute()
    {
        if (_isStopping)
        {
            AcceptTheLast();
            if (_slot >= 0)
            {
                Loop.Unwatch(_descriptor, _slot);
                _slot = -1;
            }

            _stopped.TrySetResult();
        }
        else if (_slot < 0)
        {
            _slot = Loop.Watch(_descriptor, Libc.EpollIn | Libc.EpollExclusive, this);
        }
    }

    public void OnEvents(uint mask, LoopThread thread)
    {
        for (int i = 0; i < MaxAcceptsPerEvent && !_isStopping; i++)
        {
            if (!TryAccept())
            {
                return;
            }
        }
    }

    // Bounded, since new connections keep arriving if the system cannot hold them off.
    private void AcceptTheLast()
    {
        for (int i = 0; i < Transport.Backlog && !_stopped.Task.IsCompleted; i++)
        {
            if (!TryAccept())
            {
                return;
            }
        }
    }

    private unsafe bool TryAccept()
    {
        byte* address = stackalloc byte[RemoteAddress.MaxBytes];
        int length = RemoteAddress.MaxBytes;
        int descriptor = Libc.Accept(_descriptor, address, &length, Libc.SockNonblock | Libc.SockCloseOnExec);
        if (descriptor < 0)
        {
            return OnAcceptFailed(Marshal.GetLastPInvokeError());
        }

        if (_isTcp && Transport.NoDelay)
        {
            int on = 1;
            _ = Libc.SetOption(descriptor, Libc.ProtoTcp, Libc.TcpNoDelay, &on, sizeof(int)); // fails only if the connection has ended
        }

        EpollConnection connection = new(this, descriptor, RemoteAddress.Read(new ReadOnlySpan<byte>(address, length)));
        connection.Start();
        if (!accepted.TryWrite(connection))
        {
            connection.Abort(new ConnectionAbortedException("The server has stopped listening."));
            ((IThreadPoolWorkItem)connection).Execute();
        }

        return true;
    }

    private bool OnAcceptFailed(int errno)
    {
        switch (errno)
        {
            case Libc.Errno.TryAgain:
                return false;
            case Libc.Errno.TooManyFiles or Libc.Errno.TooManyFilesInSystem or Libc.Errno.NoBufferSpace or Libc.Errno.NoMemory:
                PauseBecause(errno);
                return false;
            default:
                return true; // this one client has gone already; the next may be valid
        }
    }

    // The socket is level-triggered: the event would recur immediately and keep the loop busy in vain.
    private void PauseBecause(int errno)
    {
        TransportLog.AcceptPaused(Transport.Logger, endPoint.ToString(), errno);
        if (_slot >= 0)
        {
            Loop.Unwatch(_descriptor, _slot);
            _slot = -1;
        }

        if (!_isStopping)
        {
            _ = ResumeLaterAsync();
        }
    }

    private async Task ResumeLaterAsync()
    {
        await Task.Delay(TimeSpan.FromMilliseconds(100), Transport.Time).ConfigureAwait(false);
        Loop.Post(this);
    }
}
