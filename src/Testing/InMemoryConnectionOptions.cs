using System.Buffers;
using System.IO.Pipelines;

namespace Weir.Testing;

/// <summary>Settings of an <see cref="InMemoryConnection"/>.</summary>
public sealed record InMemoryConnectionOptions
{
    /// <summary>Provides the blocks of the server's two pipes. The client's side never uses it.</summary>
    public MemoryPool<byte> Pool { get; init; } = MemoryPool<byte>.Shared;

    /// <summary>
    /// Least length of a segment in the server's pipes; <c>null</c> for the block size of a <see cref="DiagnosticMemoryPool"/>
    /// and 4096 for any other pool.
    /// </summary>
    public int? MinimumSegmentSize { get; init; }

    /// <summary>
    /// Runs the server's continuations. Inline by default, for tests without threads: a client's write runs the server up
    /// to its next wait. Kestrel uses <see cref="PipeScheduler.ThreadPool"/>.
    /// </summary>
    public PipeScheduler ServerScheduler { get; init; } = PipeScheduler.Inline;

    /// <summary>Runs the transport's two loops and the client's continuations; inline by default.</summary>
    public PipeScheduler TransportScheduler { get; init; } = PipeScheduler.Inline;

    /// <summary>
    /// Received bytes not consumed by the server at which the client's flush pends, exact to one client write. <c>null</c> for
    /// Kestrel's 1 MiB behind a socket buffer of 64 KiB.
    /// </summary>
    public int? InputPauseBytes { get; init; }

    /// <summary>
    /// Sent bytes not consumed by the client at which the server's <c>FlushAsync</c> pends; 1 pends immediately. The client then
    /// receives the bytes of one server flush at a time. <c>null</c> for Kestrel's 64 KiB before a socket buffer of 64 KiB.
    /// </summary>
    public int? OutputPauseBytes { get; init; }

    internal PipeOptions ForInput() => ServerPipe(ServerScheduler, TransportScheduler, InputPauseBytes ?? 1024 * 1024);

    internal PipeOptions ForOutput() => ServerPipe(TransportScheduler, ServerScheduler, OutputPauseBytes ?? 64 * 1024);

    /// <summary>The pipe that represents the socket buffers of one direction.</summary>
    internal PipeOptions ForWire(int? pauseBytes)
    {
        // A threshold that a test sets must be exact to the byte, so no bytes may stay in the wire: the loop hands over
        // one flush and consumes it from the server's pipe only when the other end has.
        int pause = pauseBytes is null ? 64 * 1024 : 1;
        return new PipeOptions(
            readerScheduler: TransportScheduler,
            writerScheduler: TransportScheduler,
            pauseWriterThreshold: pause,
            resumeWriterThreshold: Math.Max(1, pause / 2),
            useSynchronizationContext: false);
    }

    private PipeOptions ServerPipe(PipeScheduler reader, PipeScheduler writer, int pause) => new(
        Pool,
        reader,
        writer,
        pause,
        Math.Max(1, pause / 2),
        MinimumSegmentSize ?? (Pool as DiagnosticMemoryPool)?.BlockSize ?? 4096,
        useSynchronizationContext: false);
}
