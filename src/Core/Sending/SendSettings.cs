using Weir.Compression;

namespace Weir.Sending;

/// <summary>What all senders of one endpoint share.</summary>
/// <param name="Runs">Where encoded frames live while they wait.</param>
/// <param name="MaxQueuedBytes">The most a connection may have waiting before it is too slow, in bytes.</param>
/// <param name="DeflateMinimumBytes">Messages below this size go out uncompressed.</param>
/// <param name="Zlib">Compression states; null when the endpoint does not offer permessage-deflate.</param>
internal sealed record SendSettings(FrameRunPool Runs, long MaxQueuedBytes, int DeflateMinimumBytes, ZlibPool? Zlib);
