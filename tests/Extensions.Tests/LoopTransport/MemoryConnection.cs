using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Weir.Transports;

namespace Weir.Extensions.Tests.LoopTransport;

/// <summary>The server's end of a connection: what Kestrel and the engine see of it.</summary>
internal sealed class MemoryConnection : ConnectionContext, IDuplexPipe, ILoopThreadFeature
{
    private readonly MemoryLoop _loop;
    private readonly MemoryReader _input;
    private readonly Pipe _output = new(new PipeOptions(useSynchronizationContext: false));
    private readonly CancellationTokenSource _closed = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IDuplexPipe? _replacement;
    private bool _inputHasEnded;
    private bool _isDetached;

    public MemoryConnection(MemoryLoop loop, MemoryEndPoint endPoint, int number)
    {
        _loop = loop;
        _input = new MemoryReader(new LoopScheduler(this));
        ConnectionId = $"memory-{number}";
        LocalEndPoint = endPoint;
        ConnectionClosed = _closed.Token;
        Features.Set<ILoopThreadFeature>(this);
        Features.Set<IConnectionTransportFeature>(new TransportFeature(this));
    }

    /// <summary>What the server sends, for the client.</summary>
    public PipeReader Sent => _output.Reader;

    /// <summary>Whether the engine serves the connection without the server.</summary>
    public bool IsDetached => _isDetached;

    /// <summary>Completes when the server's end is disposed.</summary>
    public Task Ended => _ended.Task;

    public override string ConnectionId { get; set; }

    public override EndPoint? LocalEndPoint { get; set; }

    public override IFeatureCollection Features { get; } = new FeatureCollection();

    public override IDictionary<object, object?> Items { get; set; } = new ConnectionItems();

    public override CancellationToken ConnectionClosed { get; set; }

    // Middleware such as TLS replaces it by a pipe of its own around this one.
    public override IDuplexPipe Transport
    {
        get => _replacement ?? this;
        set => _replacement = ReferenceEquals(value, this) ? null : value;
    }

    PipeReader IDuplexPipe.Input => _input;

    PipeWriter IDuplexPipe.Output => _output.Writer;

    public bool RunInline { get; set; }

    public bool IsCurrent => _loop.IsCurrent;

    public bool HasUnreadInput => false; // no bytes wait outside of the process

    public void Post(IThreadPoolWorkItem work) => _loop.Post(work);

    /// <summary>The client has sent bytes. Any thread.</summary>
    public void Receive(byte[] bytes) => _loop.Post(() =>
    {
        if (!_inputHasEnded)
        {
            _input.Add(bytes);
        }
    });

    /// <summary>The client has ended the connection. Any thread.</summary>
    public void ReceiveEnd() => EndInput(error: null);

    public override void Abort(ConnectionAbortedException abortReason)
    {
        EndInput(abortReason);
        _output.Writer.CancelPendingFlush(); // the client may never read again
        _output.Reader.CancelPendingRead(); // the client sees a reset
    }

    public override void Abort() => Abort(new ConnectionAbortedException("The connection was aborted by the application."));

    public bool TryDetach()
    {
        if (_replacement is not null || Features.Get<IConnectionMetricsTagsFeature>() is not null)
        {
            return false; // TLS, or a server that measures connections, needs the connection for its whole life
        }

        _isDetached = true;
        return true;
    }

    /// <summary>Called by the server when its middleware has returned.</summary>
    public override async ValueTask DisposeAsync()
    {
        if (!_isDetached)
        {
            await DisposeDetachedAsync();
        }

        await base.DisposeAsync();
    }

    public ValueTask DisposeDetachedAsync()
    {
        _input.Complete();
        _output.Writer.Complete(); // the client reads what is written, then the end
        _ended.TrySetResult();
        return default;
    }

    private void EndInput(Exception? error) => _loop.Post(() =>
    {
        if (!_inputHasEnded)
        {
            _inputHasEnded = true;
            _input.End(error);
            ThreadPool.UnsafeQueueUserWorkItem(static closed => closed.Cancel(), _closed, preferLocal: false); // callbacks may block
        }
    });

    private sealed class LoopScheduler(MemoryConnection connection) : PipeScheduler
    {
        public override void Schedule(Action<object?> action, object? state)
        {
            if (connection.RunInline)
            {
                connection._loop.Post(() => action(state));
            }
            else
            {
                ThreadPool.Schedule(action, state);
            }
        }
    }

    private sealed class TransportFeature(MemoryConnection connection) : IConnectionTransportFeature
    {
        public IDuplexPipe Transport
        {
            get => connection.Transport;
            set => connection.Transport = value;
        }
    }
}
