using System.Buffers;
using Weir.Compression;
using Weir.Framing;

namespace Weir.Sending;

/// <summary>
/// The compressing side of a connection that negotiated permessage-deflate. Holds a zlib state only when the server
/// keeps its context over messages (RFC 7692 7.1.1.1), and then only after the first message.
/// </summary>
/// <remarks>
/// A message that refers to an earlier one is worthless once that is dropped, so where the policy may drop messages each
/// is compressed on its own, whatever was negotiated: a client that keeps its context can read those too.
/// Not thread-safe: the sender's gate guards it, so that messages are compressed in the order they leave.
/// </remarks>
internal sealed class DeflateContext(DeflateParameters parameters, ZlibPool zlib, bool mayDrop = false) : IDisposable
{
    private Deflater? _kept;

    public DeflateParameters Parameters => parameters;

    /// <summary>Appends one compressed message to <paramref name="run"/>.</summary>
    public void Append(FrameRun run, Opcode opcode, in ReadOnlySequence<byte> payload)
    {
        if (!parameters.ServerNoContextTakeover && !mayDrop)
        {
            _kept ??= zlib.RentDeflater(parameters.ServerMaxWindowBits);
            run.AppendDeflated(opcode, payload, _kept, keepContext: true);
            return;
        }

        Deflater deflater = zlib.RentDeflater(parameters.ServerMaxWindowBits);
        run.AppendDeflated(opcode, payload, deflater, keepContext: false);
        zlib.Return(deflater);
    }

    /// <summary>
    /// A message that was compressed elsewhere is about to leave: the client's window moves on without ours, so what we
    /// compress next must not refer back.
    /// </summary>
    public void ForgetSent() => _kept?.Forget();

    public void Dispose()
    {
        if (_kept is { } deflater)
        {
            _kept = null;
            zlib.Return(deflater);
        }
    }
}
