using System.Buffers;
using Microsoft.Extensions.Logging;

namespace Weir.Transports.Epoll;

/// <summary>
/// The shared state of all addresses of one server: the loops, the pool, the log, and the watchdog of the loops.
/// Thread-safe.
/// </summary>
internal sealed class EpollTransport : IDisposable
{
    private readonly EpollTransportOptions _options;
    private readonly ManualResetEventSlim _stopped = new();
    private readonly Thread? _watchdog;
    private long _lastConnection;
    private int _handOffs;

    public EpollTransport(
        EpollTransportOptions options, MemoryPool<byte> memory, ILogger logger, TimeProvider time, ArrayPool<byte>? arrays = null)
    {
        _options = options;
        Memory = memory;
        Logger = logger;
        Time = time;
        Arrays = arrays ?? ArrayPool<byte>.Shared;
        Loops = new EpollLoop[options.Loops == 0 ? Environment.ProcessorCount : options.Loops];
        for (int i = 0; i < Loops.Length; i++)
        {
            Loops[i] = new EpollLoop(i, this);
        }

        foreach (EpollLoop loop in Loops)
        {
            loop.Start();
        }

        if (options.HandOffAfter > TimeSpan.Zero)
        {
            _watchdog = new Thread(Watch) { IsBackground = true, Name = "Weir loop watchdog" };
            _watchdog.UnsafeStart();
        }
    }

    public EpollLoop[] Loops { get; }

    public int Backlog => _options.Backlog;

    /// <summary>Whether the server has a limit of connections, and so must track each for its lifetime.</summary>
    public bool ServerCountsConnections { get; init; }

    public bool NoDelay => _options.NoDelay;

    /// <summary>For users of the connection's memory pool; the transport itself takes no buffers from it.</summary>
    public MemoryPool<byte> Memory { get; }

    /// <summary>The pool of receive and send buffers.</summary>
    public ArrayPool<byte> Arrays { get; }

    public ILogger Logger { get; }

    public TimeProvider Time { get; }

    /// <summary>How often a loop was taken over from code that blocked it.</summary>
    public int HandOffs => Volatile.Read(ref _handOffs);

    public long NextConnection() => Interlocked.Increment(ref _lastConnection);

    public void OnHandOff() => Interlocked.Increment(ref _handOffs);

    public void Dispose()
    {
        _stopped.Set();
        _watchdog?.Join();
        foreach (EpollLoop loop in Loops)
        {
            loop.Stop();
        }

        Memory.Dispose();
    }

    private void Watch()
    {
        while (!_stopped.Wait(_options.HandOffAfter))
        {
            foreach (EpollLoop loop in Loops)
            {
                loop.TakeOverIfStuck(_options.HandOffAfter);
            }
        }
    }
}
