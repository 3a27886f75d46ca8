using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Time.Testing;
using Weir.Connections;
using Weir.Core.Tests.Handshake;
using Weir.Hosting;
using Weir.Sending;
using Weir.Testing;

namespace Weir.Core.Tests.Connections;

/// <summary>
/// A listener without a socket: the middleware with endpoints at /ws and /chat/room 1, on a clock that the test moves, over
/// pools that must be whole again at the end. Runs on the test's own thread unless a connection is given schedulers.
/// </summary>
internal sealed class WeirConnectionHarness : IAsyncDisposable
{
    private readonly DiagnosticMemoryPool _blocks;
    private readonly List<WeirConnectionClient> _clients = [];

    public WeirConnectionHarness(
        Action<WeirOptions>? configure = null,
        int blockSize = DiagnosticMemoryPool.KestrelBlockSize,
        FakeTimeProvider? time = null,
        WeirNodeOptions? node = null)
    {
        Time = time ?? new FakeTimeProvider();
        _blocks = new DiagnosticMemoryPool(blockSize);
        WeirOptions options = new();
        options.Heartbeat.Interval = TimeSpan.Zero; // for tests that count timers and frames; others turn it on
        configure?.Invoke(options);
        Listener = new WeirListener(new WeirEngine(Log, Metrics, Time, node?.ToSettings()));
        SharedFramesPool runs = new(Arrays);
        Listener.Add(new WeirEndpoint("/ws", Handler, options.ToSettings(), Listener.Engine, runs, Arrays));
        Listener.Add(new WeirEndpoint("/chat/room 1", OtherHandler, options.ToSettings(), Listener.Engine, runs, Arrays));
    }

    public FakeTimeProvider Time { get; }

    public LogProbe Log { get; } = new();

    public MetricProbe Metrics { get; } = new();

    public DiagnosticArrayPool Arrays { get; } = new();

    /// <summary>Serves /ws.</summary>
    public WeirConnectionTestHandler Handler { get; } = new();

    /// <summary>Serves /chat/room 1.</summary>
    public WeirConnectionTestHandler OtherHandler { get; } = new();

    public WeirListener Listener { get; }

    /// <summary>What the next middleware got of each connection passed on to it, in whole and at the end of it.</summary>
    public List<byte[]> PassedOn { get; } = [];

    /// <summary>How often the next middleware was called.</summary>
    public int NextCalls { get; private set; }

    /// <summary>Bytes that all calls of the next middleware have got so far.</summary>
    public long NextBytes { get; private set; }

    /// <summary>Opens a connection on which nothing has been sent yet.</summary>
    /// <param name="options">Its pipes.</param>
    /// <param name="gated">Whether what the server sends can be held.</param>
    /// <param name="make">Makes a connection of another kind.</param>
    public WeirConnectionClient Dial(
        InMemoryConnectionOptions? options = null, bool gated = false, Func<InMemoryConnectionOptions, InMemoryConnection>? make = null)
    {
        options = (options ?? new InMemoryConnectionOptions()) with { Pool = _blocks };
        InMemoryConnection transport = make?.Invoke(options) ?? (gated ? new GatedConnection(options) : new InMemoryConnection(options));
        WeirConnectionClient client = new(transport, RunAsync(transport));
        _clients.Add(client);
        return client;
    }

    /// <summary>Opens a connection and shakes hands.</summary>
    public async Task<WeirConnectionClient> ConnectAsync(
        InMemoryConnectionOptions? options = null, bool gated = false, string? head = null,
        Func<InMemoryConnectionOptions, InMemoryConnection>? make = null)
    {
        WeirConnectionClient client = Dial(options, gated, make);
        await client.SendAsync(head ?? TestHead.Valid);
        await client.ReadHeadAsync();
        return client;
    }

    public void Wait(TimeSpan span) => Time.Run(Listener, span);

    public async ValueTask DisposeAsync()
    {
        foreach (WeirConnectionClient client in _clients)
        {
            client.Transport.Abort();
            await client.Finished.Within();
        }

        Listener.Wheel.Dispose();
        Metrics.Dispose();
        _blocks.Dispose();
        Arrays.Dispose();
    }

    // As the server does: when the middleware has returned, the connection is disposed.
    private async Task RunAsync(InMemoryConnection transport)
    {
        await using (transport)
        {
            await new WeirMiddleware(NextAsync, Listener).OnConnectionAsync(transport);
        }
    }

    private async Task NextAsync(ConnectionContext transport)
    {
        NextCalls++;
        PipeReader input = transport.Transport.Input;
        ArrayBufferWriter<byte> all = new();
        ReadResult result;
        try
        {
            do
            {
                result = await input.ReadAsync();
                NextBytes += result.Buffer.Length;
                foreach (ReadOnlyMemory<byte> segment in result.Buffer)
                {
                    all.Write(segment.Span);
                }

                input.AdvanceTo(result.Buffer.End);
            }
            while (!result.IsCompleted);
        }
        catch (ConnectionAbortedException)
        {
            // The test is over.
        }

        PassedOn.Add(all.WrittenSpan.ToArray());
    }
}
