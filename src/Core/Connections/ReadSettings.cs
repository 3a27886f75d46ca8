using System.Buffers;
using Weir.Protocol.Compression;

namespace Weir.Connections;

/// <summary>The settings that all message readers of one endpoint share.</summary>
/// <param name="MaxMessageBytes">The largest message, after decompression.</param>
/// <param name="StreamFragments">Whether fragments are handed out as they arrive instead of whole messages.</param>
/// <param name="Arrays">The pool for messages that are assembled outside the pipe.</param>
/// <param name="Zlib">Decompression states; <c>null</c> if the endpoint does not offer permessage-deflate.</param>
internal sealed record ReadSettings(int MaxMessageBytes, bool StreamFragments, ArrayPool<byte> Arrays, ZlibPool? Zlib);
