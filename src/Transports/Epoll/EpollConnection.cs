using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Weir.Buffers;

namespace Weir.Transports.Epoll;

/// <summary>
/// One accepted socket as Kestrel sees it. One loop watches it for its lifetime and closes it on the loop's thread, so that no
/// event and no call can reach a descriptor that the system has reused.
/// </summary>
/// <remarks>
/// Memory. There is one for every client, and most are idle, so members that few connections use are created on first use: the
/// id's text, the addresses, the items, the token of the end, a feature collection.
/// </remarks>
internal sealed partial class EpollConnection : ConnectionContext, IDuplexPipe, IEventTarget, IThreadPoolWorkItem, ILoopThreadFeature,
    ITcpInfoFeature
{
    private readonly EpollAcceptor _acceptor;
    private readonly EpollReader _reader;
    private readonly EpollWriter _writer;
    private readonly int _descriptor;
    private readonly long _number;
    private readonly RemoteAddress _remote;
    private int _slot;
    private string? _id;
    private IDuplexPipe? _transport;
    private Rare? _rare;
    private Exception? _failure;
    private volatile bool _inputHasEnded;
    private volatile bool _isClosed;
    private volatile bool _hasFailed;
    private volatile bool _runsInline;
    private bool _isDetached;

    public EpollConnection(EpollAcceptor acceptor, int descriptor, in RemoteAddress remote)
    {
        _acceptor = acceptor;
        _descriptor = descriptor;
        _remote = remote;
        _number = acceptor.Transport.NextConnection();
        _reader = new EpollReader(this);
        _writer = new EpollWriter(this);
    }

    public EpollLoop Loop => _acceptor.Loop;

    public ArrayPool<byte> Arrays => _acceptor.Transport.Arrays;

    /// <inheritdoc cref="ILoopThreadFeature.RunInline"/>
    public bool RunInline
    {
        get => _runsInline;
        set => _runsInline = value;
    }

    /// <inheritdoc cref="ILoopThreadFeature.IsCurrent"/>
    public bool IsCurrent => LoopThread.Current?.Loop == Loop;

    /// <inheritdoc cref="ILoopThreadFeature.HasUnreadInput"/>
    public unsafe bool HasUnreadInput
    {
        get
        {
            byte first;
            using (_writer.Hold())
            {
                return !_isClosed && Libc.Receive(_descriptor, &first, 1, Libc.MsgPeek) > 0;
            }
        }
    }

    unsafe bool ITcpInfoFeature.TryReadTcpInfo(Span<byte> info)
    {
        int length = info.Length;
        using (_writer.Hold())
        {
            fixed (byte* first = info)
            {
                return !_isClosed && Libc.GetOption(_descriptor, Libc.ProtoTcp, Libc.TcpInfo, first, &length) == 0
                    && length >= info.Length;
            }
        }
    }

    /// <summary>Whether the socket is not usable any more: it was aborted, reset, or is closed.</summary>
    public bool HasFailed => _hasFailed;

    string ICallTarget.Name => ConnectionId;

    /// <summary>The number of the connection within the server; converted to text on each access.</summary>
    public override string ConnectionId
    {
        get => _id ?? ConnectionName.Of(_number);
        set => _id = value;
    }

    public override IDuplexPipe Transport
    {
        get => _transport ?? this;
        set => _transport = ReferenceEquals(value, this) ? null : value;
    }

    PipeReader IDuplexPipe.Input => _reader;

    PipeWriter IDuplexPipe.Output => _writer;

    public override EndPoint? RemoteEndPoint
    {
        get => _rare is { HasRemote: true } rare ? rare.Remote : _remote.ToEndPoint();
        set => MakeRare().SetRemote(value);
    }

    public override EndPoint? LocalEndPoint
    {
        get => _rare is { HasLocal: true } rare ? rare.Local : FindLocalEndPoint();
        set => MakeRare().SetLocal(value);
    }

    public override IDictionary<object, object?> Items
    {
        get => MakeRare().Items ??= new ConnectionItems();
        set => MakeRare().Items = value;
    }

    public override CancellationToken ConnectionClosed
    {
        get
        {
            Rare rare = MakeRare();
            using (rare.Gate.Hold(rare))
            {
                if (rare.Closed is null)
                {
                    rare.Closed = new CancellationTokenSource();
                    if (_inputHasEnded || _hasFailed)
                    {
                        rare.Closed.Cancel();
                    }
                }

                return rare.ClosedOverride ?? rare.Closed.Token;
            }
        }

        set => MakeRare().ClosedOverride = value;
    }

    /// <summary>Whether the end of the peer's data has been received or signalled.</summary>
    public bool InputHasEnded => _inputHasEnded;

    /// <summary>Begins to watch the socket. On the loop's thread.</summary>
    public void Start()
        => _slot = Loop.Watch(_descriptor, Libc.EpollIn | Libc.EpollOut | Libc.EpollRdHup | Libc.EpollEdge, this);

    public void FetchAhead(int callsBefore)
    {
        if (callsBefore == 1)
        {
            _reader.PrefetchOwner();
        }
        else
        {
            Prefetch.Instance(_reader);
            Prefetch.Instance(_writer);
        }
    }

    public void OnEvents(uint mask, LoopThread thread)
    {
        if ((mask & (Libc.EpollOut | Libc.EpollErr | Libc.EpollHup)) != 0)
        {
            _writer.OnWritable();
        }

        if ((mask & (Libc.EpollRdHup | Libc.EpollErr | Libc.EpollHup)) != 0)
        {
            OnInputEnded();
        }

        if ((mask & (Libc.EpollIn | Libc.EpollRdHup | Libc.EpollErr | Libc.EpollHup)) != 0)
        {
            _reader.OnReadable(thread);
        }
    }

    /// <summary>Aborts the connection: the peer sees a reset. Thread-safe.</summary>
    public override unsafe void Abort(ConnectionAbortedException abortReason)
    {
        using (_writer.Hold())
        {
            if (_hasFailed || _isClosed)
            {
                return;
            }

            _failure = abortReason;
            _hasFailed = true;

            // Dissolving the association resets it immediately and keeps the descriptor open, which other threads may be using.
            byte* unspecified = stackalloc byte[16];
            new Span<byte>(unspecified, 16).Clear();
            if (Libc.Connect(_descriptor, unspecified, 16) < 0)
            {
                _ = Libc.Shutdown(_descriptor, Libc.ShutdownBoth);
            }
        }

        EndBoth(abortReason);
    }

    public override void Abort() => Abort(new ConnectionAbortedException("The connection was aborted by the application."));

    public bool TryDetach()
    {
        if (_transport is not null || _rare?.Features is not null || _acceptor.Transport.ServerCountsConnections)
        {
            return false;
        }

        _isDetached = true;
        return true;
    }

    public void Post(IThreadPoolWorkItem work) => Loop.Post(work);

    /// <summary>Ends the connection; if it is detached, only the server's part in it.</summary>
    public override ValueTask DisposeAsync()
    {
        if (_isDetached)
        {
            _runner = null; // it would live as long as the connection
            return base.DisposeAsync();
        }

        return DisposeDetachedAsync();
    }

    public ValueTask DisposeDetachedAsync()
    {
        _reader.Complete();
        _writer.Complete();
        Task drained = _writer.DrainAsync();
        if (!drained.IsCompleted)
        {
            return CloseWhenDrainedAsync(drained);
        }

        BeginClose();
        return base.DisposeAsync();
    }

    /// <summary>Receives. Only for the reader, or the loop on its behalf.</summary>
    public unsafe nint Receive(byte* buffer, int size) => Libc.Receive(_descriptor, buffer, size, 0);

    /// <summary>Sends. Under the writer's lock, which keeps the descriptor from being closed meanwhile.</summary>
    public unsafe nint Send(byte* bytes, int size) => Libc.Send(_descriptor, bytes, size, Libc.MsgNoSignal);

    /// <summary>The exception for a failed call: upper layers expect those of Kestrel's own transport.</summary>
    public Exception ErrorOf(string call, int errno)
    {
        TransportLog.CallFailed(_acceptor.Transport.Logger, ConnectionId, call, errno);
        return _failure ??= errno is Libc.Errno.ConnectionReset or Libc.Errno.BrokenPipe or Libc.Errno.NotConnected
            ? new ConnectionResetException($"The connection was reset by the peer (errno {errno}).")
            : new IOException($"The connection failed: {call} returned errno {errno}.");
    }

    /// <summary>A send failed: the connection is not usable any more. Under the writer's lock.</summary>
    public void FailBecause(string call, int errno)
    {
        Exception error = ErrorOf(call, errno);
        _hasFailed = true;
        ThreadPool.UnsafeQueueUserWorkItem(
            static state => state.Connection._reader.Fail(state.Error), (Connection: this, Error: error), preferLocal: false);
        OnInputEnded();
    }

    /// <summary>No more data will arrive.</summary>
    public void OnInputEnded()
    {
        if (_inputHasEnded)
        {
            return;
        }

        _inputHasEnded = true;
        Interlocked.MemoryBarrier(); // a concurrent creator of the token reads the flag, or its token is read here
        if (_rare is { } rare)
        {
            CancellationTokenSource? closed;
            using (rare.Gate.Hold(rare))
            {
                closed = rare.Closed;
            }

            if (closed is not null)
            {
                // The callbacks are the application's: not on the loop.
                ThreadPool.UnsafeQueueUserWorkItem(static source => source.Cancel(), closed, preferLocal: false);
            }
        }
    }

    /// <summary>Closes the socket. On the loop's thread.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        if (!_hasFailed)
        {
            _reader.Discard(LoopThread.Current!);
        }

        using (_writer.Hold())
        {
            if (_isClosed)
            {
                return;
            }

            _isClosed = true;
            _hasFailed = true;
            Loop.Forget(_slot);
            _ = Libc.Close(_descriptor);
        }

        OnInputEnded();
    }

    private async ValueTask CloseWhenDrainedAsync(Task drained)
    {
        await drained.ConfigureAwait(false); // an abort ends the wait
        BeginClose();
        await base.DisposeAsync().ConfigureAwait(false);
    }

    private void BeginClose() => Loop.Post(this);

    private void EndBoth(Exception reason)
    {
        _writer.Fail();
        _reader.Fail(reason);
        OnInputEnded();
    }

    private unsafe EndPoint? FindLocalEndPoint()
    {
        if (_acceptor.SpecificEndPoint is { } specific)
        {
            return specific;
        }

        byte* address = stackalloc byte[RemoteAddress.MaxBytes];
        int length = RemoteAddress.MaxBytes;
        using (_writer.Hold())
        {
            return _isClosed || Libc.GetSocketName(_descriptor, address, &length) < 0
                ? null
                : RemoteAddress.Read(new ReadOnlySpan<byte>(address, length)).ToEndPoint();
        }
    }
}
