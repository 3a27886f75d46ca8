using Weir.Connections;
using Weir.Protocol.Compression;
using Weir.Testing;

namespace Weir.TestSupport.MessageReading;

/// <summary>How a reader under test is set up.</summary>
internal sealed record MessageReaderSetup(
    int MaxMessageBytes = MessageReaderSetup.RoomyLimit,
    bool StreamFragments = false,
    DeflateParameters? Deflate = null)
{
    public const int RoomyLimit = 1024 * 1024;

    public static readonly DeflateParameters Takeover = new(15, false, 15, ClientNoContextTakeover: false);

    public static readonly DeflateParameters NoTakeover = new(15, false, 15, ClientNoContextTakeover: true);

    // What the chain of chunks may come to at the limit: the full ones hold the message, the last is at most as long
    // as the message before it, 64 KiB and what the diagnostic pool adds.
    public long MaxRentedBytes => MaxMessageBytes + (long)Math.Min(Math.Max(1024, MaxMessageBytes), 64 * 1024) + 8;

    public MessageReader CreateReader(MessageReaderPools pools) =>
        new(new ReadSettings(MaxMessageBytes, StreamFragments, pools.Arrays, pools.Zlib), Deflate);
}

/// <summary>The pools of readers under test. Disposing it fails the test if a rented array was not returned.</summary>
internal sealed class MessageReaderPools : IDisposable
{
    public DiagnosticArrayPool Arrays { get; } = new();

    public ZlibPool Zlib { get; } = new(new DeflateOptions().Level);

    public void AssertAllReturned()
    {
        if (Arrays.Outstanding != 0 || Zlib.LiveStates != Zlib.IdleStates)
        {
            throw new MessageReaderMisbehaviorException(
                $"{Arrays.Outstanding} arrays and {Zlib.LiveStates - Zlib.IdleStates} zlib states were not returned.");
        }
    }

    public void Dispose()
    {
        Zlib.Dispose();
        Arrays.Dispose();
    }
}

/// <summary>The reader did what it must not do for any bytes.</summary>
internal sealed class MessageReaderMisbehaviorException(string message) : Exception(message);
