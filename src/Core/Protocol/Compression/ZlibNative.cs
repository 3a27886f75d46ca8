using System.Runtime.InteropServices;

namespace Weir.Protocol.Compression;

/// <summary>
/// The runtime's own zlib, called directly. <c>System.IO.Compression</c> offers neither a window size for raw deflate
/// nor a choice of flush, and RFC 7692 needs both: windows of 2^9 to 2^15 bytes (7.1.2), and a flush at the end of
/// every message that either keeps the history or drops it (7.2.1).
/// </summary>
/// <remarks>
/// The library is part of every .NET runtime (linked in for single-file and native AOT apps), so this needs no package. Its
/// exports are not a documented contract; <see cref="ZlibPool"/> therefore tries every one of them before the first connection is
/// accepted. There is no export to reset a deflate state, see <see cref="Deflater"/>.
/// </remarks>
internal static unsafe partial class ZlibNative
{
    private const string Library = "libSystem.IO.Compression.Native";

    public const int Ok = 0;
    public const int StreamEnd = 1;
    public const int DataError = -3;
    public const int MemoryError = -4;

    /// <summary>No progress was possible: not an error, more input or output space is needed.</summary>
    public const int BufferError = -5;

    public const int Deflated = 8;
    public const int DefaultStrategy = 0;

    [LibraryImport(Library, EntryPoint = "CompressionNative_DeflateInit2_")]
    public static partial int DeflateInit(
        ZStream* stream, int level, int method, int windowBits, int memoryLevel, int strategy);

    [LibraryImport(Library, EntryPoint = "CompressionNative_Deflate")]
    public static partial int Deflate(ZStream* stream, Flush flush);

    [LibraryImport(Library, EntryPoint = "CompressionNative_DeflateEnd")]
    public static partial int DeflateEnd(ZStream* stream);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateInit2_")]
    public static partial int InflateInit(ZStream* stream, int windowBits);

    [LibraryImport(Library, EntryPoint = "CompressionNative_Inflate")]
    public static partial int Inflate(ZStream* stream, Flush flush);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateReset2_")]
    public static partial int InflateReset(ZStream* stream, int windowBits);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateEnd")]
    public static partial int InflateEnd(ZStream* stream);

    /// <summary>
    /// Runs <paramref name="first"/>, which makes the first calls, and explains a failure to bind.
    /// </summary>
    /// <exception cref="PlatformNotSupportedException">The library or one of its exports is missing.</exception>
    public static void Require(Action first)
    {
        try
        {
            first();
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            throw new PlatformNotSupportedException(
                $"permessage-deflate needs zlib from the .NET runtime ({Library}), which this runtime does not offer "
                + "as expected. Leave DeflateOptions.Enabled false to serve without compression.", e);
        }
    }

    /// <summary>When zlib must output the bytes it holds back (the numbers are zlib's).</summary>
    internal enum Flush
    {
        None = 0,

        /// <summary>Up to a byte boundary, ending in 00 00 FF FF; the history stays.</summary>
        Sync = 2,

        /// <summary>As <see cref="Sync"/>, and later data refers to nothing before it.</summary>
        Full = 3,
    }

    /// <summary>
    /// The argument block of every export. The state behind <see cref="State"/> outlives it: the block itself may be a local that
    /// is filled again for each call.
    /// </summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct ZStream
    {
        public byte* NextInput;
        public byte* NextOutput;
        public byte* Message;
        public nint State;
        public uint AvailableInput;
        public uint AvailableOutput;
    }
}
