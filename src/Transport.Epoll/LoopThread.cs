namespace Weir.Transport;

/// <summary>
/// A thread that serves a loop, with the buffer into which it receives. The buffer belongs to the thread, not to the loop:
/// when the loop is taken over, whatever the old thread was reading stays its own.
/// </summary>
internal sealed class LoopThread(EpollLoop loop)
{
    /// <summary>
    /// Bytes received at once, at most. A larger buffer saves calls only for clients that send more than this in the time
    /// of one pass.
    /// </summary>
    public const int BufferBytes = 256 * 1024;

    [ThreadStatic]
    private static LoopThread? _current;

    private byte[]? _buffer;
    private ExecutionContext? _context;

    /// <summary>The one that runs the calling code; null on other threads.</summary>
    public static LoopThread? Current => _current;

    public EpollLoop Loop { get; } = loop;

    /// <summary>Where the next bytes are received, unless the connection has a buffer of its own.</summary>
    public byte[] Buffer => _buffer ??= Loop.Transport.Arrays.Rent(BufferBytes);

    public void Start()
    {
        Thread thread = new(Run) { IsBackground = true, Name = $"Weir loop {Loop.Index}" };
        thread.UnsafeStart();
    }

    /// <summary>Whether that is the buffer into which this thread receives.</summary>
    public bool Owns(byte[]? buffer) => buffer is not null && ReferenceEquals(buffer, _buffer);

    /// <summary>The buffer has gone to a connection that goes on reading it elsewhere.</summary>
    public void GiveBufferAway() => _buffer = null;

    /// <summary>What a callback has put into <c>AsyncLocal</c>s is not for the next connection.</summary>
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
