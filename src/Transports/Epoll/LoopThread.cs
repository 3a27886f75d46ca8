namespace Weir.Transports.Epoll;

/// <summary>
/// A thread that serves a loop, with its receive buffer. The buffer belongs to the thread, not to the loop: when the loop is
/// taken over, the old thread keeps the data it was reading.
/// </summary>
internal sealed class LoopThread(EpollLoop loop)
{
    /// <summary>
    /// The most bytes received in one call. A larger buffer saves calls only for clients that send more than this in the time
    /// of one pass.
    /// </summary>
    public const int BufferBytes = 256 * 1024;

    [ThreadStatic]
    private static LoopThread? _current;

    private byte[]? _buffer;
    private ExecutionContext? _context;

    /// <summary>The instance whose thread runs the calling code; <c>null</c> on other threads.</summary>
    public static LoopThread? Current => _current;

    public EpollLoop Loop { get; } = loop;

    /// <summary>The buffer of the next receive, unless the connection has its own.</summary>
    public byte[] Buffer => _buffer ??= Loop.Transport.Arrays.Rent(BufferBytes);

    public void Start()
    {
        Thread thread = new(Run) { IsBackground = true, Name = $"Weir loop {Loop.Index}" };
        thread.UnsafeStart();
    }

    /// <summary>Whether the buffer is this thread's receive buffer.</summary>
    public bool Owns(byte[]? buffer) => buffer is not null && ReferenceEquals(buffer, _buffer);

    /// <summary>Passes the buffer to a connection that continues to read it elsewhere.</summary>
    public void GiveBufferAway() => _buffer = null;

    /// <summary>Resets the <c>AsyncLocal</c> values that a callback has set, before the next connection.</summary>
    public void RestoreContext()
    {
        if (!ReferenceEquals(ExecutionContext.Capture(), _context))
        {
            ExecutionContext.Restore(_context!);
        }
    }

    private void Run()
    {
        _current = this;
        _context = ExecutionContext.Capture();
        Loop.Serve(this);
        _current = null;
        if (_buffer is { } buffer)
        {
            _buffer = null;
            Loop.Transport.Arrays.Return(buffer);
        }
    }
}
