using System.Text;

namespace Weir.Handshake;

/// <summary>The header fields that the handshake rules check, as bytes.</summary>
internal static class HeaderNames
{
    public static ReadOnlySpan<byte> Host => "Host"u8;
    public static ReadOnlySpan<byte> Upgrade => "Upgrade"u8;
    public static ReadOnlySpan<byte> Connection => "Connection"u8;
    public static ReadOnlySpan<byte> ContentLength => "Content-Length"u8;
    public static ReadOnlySpan<byte> TransferEncoding => "Transfer-Encoding"u8;
    public static ReadOnlySpan<byte> Key => "Sec-WebSocket-Key"u8;
    public static ReadOnlySpan<byte> Version => "Sec-WebSocket-Version"u8;
    public static ReadOnlySpan<byte> Protocol => "Sec-WebSocket-Protocol"u8;
    public static ReadOnlySpan<byte> Extensions => "Sec-WebSocket-Extensions"u8;

    /// <summary>Compares names case-insensitively (RFC 9110 5.1).</summary>
    public static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> expected) =>
        name.Length == expected.Length && Ascii.EqualsIgnoreCase(name, expected);
}
