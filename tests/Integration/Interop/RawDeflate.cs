using System.IO.Compression;

namespace Weir.Integration.Interop;

/// <summary>The other side of permessage-deflate, from .NET's own parts.</summary>
internal static class RawDeflate
{
    /// <summary>Decompresses a message that refers to no other (RFC 7692 section 7.2.2).</summary>
    public static byte[] Decompress(byte[] payload)
    {
        using DeflateStream inflater = new(new MemoryStream([.. payload, 0x00, 0x00, 0xFF, 0xFF]), CompressionMode.Decompress);
        MemoryStream message = new();
        inflater.CopyTo(message);
        return message.ToArray();
    }
}
