namespace Weir.Protocol.Compression;

/// <summary>
/// The base of <see cref="Inflater"/> and <see cref="Deflater"/>: a native state of a fixed window, used by one caller at a time
/// and either pooled or kept by a connection for its lifetime.
/// </summary>
internal abstract class ZlibCodec(ZlibState state, int windowBits) : IDisposable
{
    /// <summary>The base-2 logarithm of the window, 9 to 15: how far references reach into the history.</summary>
    public int WindowBits { get; } = windowBits;

    /// <summary>Whether it is in a pool. Guarded by that pool's lock; detects a second return.</summary>
    public bool IsIdle { get; set; }

    protected ZlibState State { get; } = state;

    /// <summary>Frees the native state. A call in progress on another thread ends first.</summary>
    public void Dispose() => State.Dispose();

    /// <summary>Resets it for another connection: no history, no error. Returns <c>false</c> if it cannot be used again.</summary>
    public abstract bool TryRenew();
}
