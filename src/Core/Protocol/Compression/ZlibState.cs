using System.Runtime.InteropServices;
using Flush = Weir.Protocol.Compression.ZlibNative.Flush;

namespace Weir.Protocol.Compression;

/// <summary>
/// Owns one native zlib state, tens to 330 KB that the garbage collector does not count. Released exactly once, by
/// <see cref="SafeHandle.Dispose()"/> or the finalizer, and never during a call in progress.
/// </summary>
internal sealed unsafe class ZlibState : SafeHandle
{
    private readonly bool _deflates;
    private readonly int _windowBits;
    private readonly LiveCount _live;

    private ZlibState(bool deflates, int windowBits, LiveCount live) : base(0, ownsHandle: true)
    {
        _deflates = deflates;
        _windowBits = windowBits;
        _live = live;
    }

    public override bool IsInvalid => handle == 0;

    /// <param name="windowBits">9 to 15.</param>
    /// <param name="level">1 to 9.</param>
    /// <param name="live">Counts the state for as long as it is allocated.</param>
    public static ZlibState ForDeflate(int windowBits, int level, LiveCount live)
    {
        // zlib's own default; less saves up to 60 KB but closes blocks early, which reduces the compression ratio.
        const int MemoryLevel = 8;
        var state = new ZlibState(deflates: true, windowBits, live);
        ZlibNative.ZStream stream = default;
        // A negative number of bits selects raw deflate in zlib: no header, no checksum.
        int result = ZlibNative.DeflateInit(
            &stream, level, ZlibNative.Deflated, -windowBits, MemoryLevel, ZlibNative.DefaultStrategy);
        state.Adopt(stream.State, result);
        return state;
    }

    /// <inheritdoc cref="ForDeflate"/>
    public static ZlibState ForInflate(int windowBits, LiveCount live)
    {
        var state = new ZlibState(deflates: false, windowBits, live);
        ZlibNative.ZStream stream = default;
        int result = ZlibNative.InflateInit(&stream, -windowBits);
        state.Adopt(stream.State, result);
        return state;
    }

    /// <summary>One step: moves input to output until either is used up. Returns zlib's code.</summary>
    public int Run(ReadOnlySpan<byte> input, Span<byte> output, Flush flush, out int consumed, out int written)
    {
        byte nowhere; // zlib refuses a null output, even one of no length
        bool held = false;
        try
        {
            DangerousAddRef(ref held);
            fixed (byte* source = input)
            fixed (byte* target = output)
            {
                var stream = new ZlibNative.ZStream
                {
                    NextInput = source,
                    AvailableInput = (uint)input.Length,
                    NextOutput = target is null ? &nowhere : target,
                    AvailableOutput = (uint)output.Length,
                    State = handle,
                };
                int result = _deflates ? ZlibNative.Deflate(&stream, flush) : ZlibNative.Inflate(&stream, flush);
                consumed = input.Length - (int)stream.AvailableInput;
                written = output.Length - (int)stream.AvailableOutput;
                return result;
            }
        }
        finally
        {
            if (held)
            {
                DangerousRelease();
            }
        }
    }

    /// <summary>Resets an inflate state: no history, no error, no partly read block.</summary>
    public void ResetInflate()
    {
        bool held = false;
        try
        {
            DangerousAddRef(ref held);
            ZlibNative.ZStream stream = new() { State = handle };
            ThrowUnlessOk(ZlibNative.InflateReset(&stream, -_windowBits));
        }
        finally
        {
            if (held)
            {
                DangerousRelease();
            }
        }
    }

    /// <exception cref="InsufficientMemoryException">zlib could not allocate.</exception>
    /// <exception cref="InvalidOperationException">zlib was called in a way it does not allow: a bug here.</exception>
    public static void ThrowUnlessOk(int result)
    {
        if (result is not (ZlibNative.Ok or ZlibNative.StreamEnd or ZlibNative.BufferError))
        {
            throw result == ZlibNative.MemoryError
                ? new InsufficientMemoryException("zlib could not allocate its state.")
                : new InvalidOperationException($"zlib returned {result}.");
        }
    }

    protected override bool ReleaseHandle()
    {
        ZlibNative.ZStream stream = new() { State = handle };
        // The end calls return the state of the data (a truncated message is an "error" there): the memory is freed.
        _ = _deflates ? ZlibNative.DeflateEnd(&stream) : ZlibNative.InflateEnd(&stream);
        _live.Subtract();
        return true;
    }

    private void Adopt(nint state, int result)
    {
        // A failed initialization may still have left an outer block, so it is adopted first and freed like any other.
        if (state != 0)
        {
            SetHandle(state);
            _live.Add();
        }

        if (result != ZlibNative.Ok)
        {
            Dispose();
            ThrowUnlessOk(result);
        }
    }
}
