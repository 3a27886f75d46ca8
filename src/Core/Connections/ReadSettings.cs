using System.Buffers;
using Weir.Compression;

namespace Weir.Connections;

/// <summary>What all message readers of one endpoint share.</summary>
/// <param name="MaxMessageBytes">The largest message, after decompression.</param>
/// <param name="StreamFragments">Hand out pieces as they arrive instead of whole messages.</param>
/// <param name="Arrays">Where messages that leave the pipe are assembled.</param>
/// <param name="Zlib">Decompression states; null when the endpoint does not offer permessage-deflate.</param>
internal sealed record ReadSettings(int MaxMessageBytes, bool StreamFragments, ArrayPool<byte> Arrays, ZlibPool? Zlib);
