using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Weir.Testing;

/// <summary>
/// A server's connection without a socket. It is built like Kestrel's socket transport, two pipes and a loop for each
/// direction, so that it ends in the same ways.
/// </summary>
/// <remarks>
/// As with Kestrel: the end of the client's stream fires <see cref="ConnectionClosed"/>; an abort fails the pending
/// read with its reason and completes the pending flush; completing the output ends the input too, with a
/// <see cref="ConnectionAbortedException"/>; <see cref="ConnectionClosed"/> always fires on the thread pool. The client
/// receives every end of the server as the end of the stream, after the bytes that had reached the wire.
/// </remarks>
public partial class InMemoryConnection :
    ConnectionContext,
    IConnectionIdFeature,
    IConnectionTransportFeature,
    IConnectionItemsFeature,
    IConnectionEndPointFeature,
    IConnectionLifetimeFeature,
    IConnectionLifetimeNotificationFeature,
    IMemoryPoolFeature
{
    private static int _lastId;

    private readonly Lock _lock = new();
    private readonly Pipe _input;
    private readonly Pipe _output;
    private readonly Pipe _toServer;
    private readonly Pipe _toClient;
    private readonly Task _loops;
    private readonly CancellationTokenSource _closed = new();
    private readonly CancellationTokenSource _closeRequested = new();
    private readonly TaskCompletionSource _closedFired = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<ConnectionAbortedException> _aborts = [];
    private Exception? _shutdownReason;
    private Exception? _resetReason;

    /// <summary>Creates an open connection.</summary>
    /// <param name="options">The settings; <c>null</c> for the defaults.</param>
    public InMemoryConnection(InMemoryConnectionOptions? options = null)
    {
        options ??= new InMemoryConnectionOptions();
        _input = new Pipe(options.ForInput());
        _output = new Pipe(options.ForOutput());
        _toServer = new Pipe(options.ForWire(options.InputPauseBytes));
        _toClient = new Pipe(options.ForWire(options.OutputPauseBytes));
        ServerEnd = new DuplexPipe(_input.Reader, _output.Writer);
        MemoryPool = options.Pool;
        Transport = ServerEnd;
        ClientEnd = new DuplexPipe(_toClient.Reader, _toServer.Writer);
        ConnectionClosed = _closed.Token;
        ConnectionClosedRequested = _closeRequested.Token;
        ConnectionId = $"memory-{Interlocked.Increment(ref _lastId)}";
        LocalEndPoint = new IPEndPoint(IPAddress.Loopback, 80);
        RemoteEndPoint = new IPEndPoint(IPAddress.Loopback, 50_000);
        SetFeatures();
        _loops = Task.WhenAll(ReceiveLoopAsync(), SendLoopAsync());
    }

    /// <summary>The other end of the wire, for the test. Complete its output for a FIN.</summary>
    public IDuplexPipe ClientEnd { get; }

    /// <summary>Completes when <see cref="ConnectionClosed"/> has fired and its callbacks have run.</summary>
    public Task Closed => _closedFired.Task;

    /// <summary>The reason of the first abort, <c>null</c> if there was none.</summary>
    public ConnectionAbortedException? AbortReason => Aborts is [var first, ..] ? first : null;

    /// <summary>The reasons of all aborts, in order.</summary>
    public IReadOnlyList<ConnectionAbortedException> Aborts
    {
        get
        {
            lock (_lock)
            {
                return [.. _aborts];
            }
        }
    }

    /// <inheritdoc/>
    public override string ConnectionId { get; set; }

    /// <inheritdoc/>
    public override IFeatureCollection Features { get; } = new FeatureCollection();

    /// <inheritdoc/>
    public override IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();

    /// <inheritdoc/>
    public override IDuplexPipe Transport { get; set; }

    /// <inheritdoc/>
    public override CancellationToken ConnectionClosed { get; set; }

    /// <inheritdoc/>
    public override EndPoint? LocalEndPoint { get; set; }

    /// <inheritdoc/>
    public override EndPoint? RemoteEndPoint { get; set; }

    /// <inheritdoc/>
    public CancellationToken ConnectionClosedRequested { get; set; }

    /// <inheritdoc/>
    public MemoryPool<byte> MemoryPool { get; }

    /// <summary>Requests the server to close, as Kestrel does when it stops.</summary>
    public void RequestClose() => _closeRequested.Cancel();

    /// <inheritdoc/>
    public override void Abort() => Abort(new ConnectionAbortedException("Aborted by the application."));

    /// <inheritdoc/>
    public override void Abort(ConnectionAbortedException abortReason)
    {
        lock (_lock)
        {
            _aborts.Add(abortReason);
        }

        Shutdown(abortReason);
    }

    /// <summary>
    /// The client's RST: the server's pending read fails with <see cref="ConnectionResetException"/> and its pending
    /// flush completes. As with a socket, the first flush after it still seems to succeed.
    /// </summary>
    public void Reset()
    {
        lock (_lock)
        {
            _resetReason ??= new ConnectionResetException("Connection reset by peer.");
        }

        OnDown();
        _toServer.Reader.CancelPendingRead();
        _input.Writer.CancelPendingFlush();
        _toClient.Writer.CancelPendingFlush();
    }

    /// <summary>
    /// Completes the server's ends and waits for the loops, as Kestrel does when its middleware has returned. Bytes held up by a
    /// client that does not read are dropped, though, instead of waited for.
    /// </summary>
    public override async ValueTask DisposeAsync()
    {
        await ServerEnd.Input.CompleteAsync();
        await ServerEnd.Output.CompleteAsync();
        _toClient.Writer.CancelPendingFlush();
        await _loops.Within();
        await _closedFired.Task.Within();
        _closed.Dispose();
        _closeRequested.Dispose();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>The server's own end, also if <see cref="Transport"/> was replaced.</summary>
    private protected DuplexPipe ServerEnd { get; }

    /// <summary>Called on a reset and on a shutdown, before the pending waits of the pipes are ended.</summary>
    private protected virtual void OnDown()
    {
    }

    private void SetFeatures()
    {
        Features.Set<IConnectionIdFeature>(this);
        Features.Set<IConnectionTransportFeature>(this);
        Features.Set<IConnectionItemsFeature>(this);
        Features.Set<IConnectionEndPointFeature>(this);
        Features.Set<IConnectionLifetimeFeature>(this);
        Features.Set<IConnectionLifetimeNotificationFeature>(this);
        Features.Set<IMemoryPoolFeature>(this);
    }
}
