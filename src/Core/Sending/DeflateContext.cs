using System.Buffers;
using Weir.Protocol;
using Weir.Protocol.Compression;

namespace Weir.Sending;

/// <summary>
/// The compressing side of a connection that negotiated permessage-deflate. Holds a zlib state only when the server
/// keeps its context over messages (RFC 7692 7.1.1.1), and then only after the first message.
/// </summary>
/// <remarks>
/// A message that refers to an earlier one cannot be decoded once that is dropped, so where the policy may drop messages each is
/// compressed independently, whatever was negotiated: a client that keeps its context can read those too. Not thread-safe: the
/// sender's gate guards it, so that messages are compressed in the order in which they are sent.
/// </remarks>
internal sealed class DeflateContext(DeflateParameters parameters, ZlibPool zlib, bool mayDrop = false) : IDisposable
{
    private Deflater? _kept;

    public DeflateParameters Parameters => parameters;

    /// <summary>Appends one compressed message to <paramref name="batch"/>.</summary>
    public void Append(SharedFrames batch, Opcode opcode, in ReadOnlySequence<byte> payload)
    {
        if (!parameters.ServerNoContextTakeover && !mayDrop)
        {
            _kept ??= zlib.RentDeflater(parameters.ServerMaxWindowBits);
            batch.AppendDeflated(opcode, payload, _kept, keepContext: true);
            return;
        }

        Deflater deflater = zlib.RentDeflater(parameters.ServerMaxWindowBits);
        batch.AppendDeflated(opcode, payload, deflater, keepContext: false);
        zlib.Return(deflater);
    }

    /// <summary>
    /// A message that was compressed elsewhere is about to be sent: it enters the client's window but not this one, so the next
    /// message compressed here must not refer back.
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
