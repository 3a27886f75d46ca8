using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.WebUtilities;

namespace Weir.Handshake;

/// <summary>Writes the server's side of the opening handshake (RFC 6455 4.2.2).</summary>
internal static class HandshakeResponse
{
    /// <summary>
    /// Loads the system's cryptography library, several megabytes that would otherwise delay the first client.
    /// </summary>
    public static void LoadCryptography() => SHA256.HashData([]);

    public const int KeyLength = 24;

    private const int AcceptLength = 28;

    /// <summary>Writes the 101 response, after which frames follow.</summary>
    /// <param name="output">The output; not flushed.</param>
    /// <param name="key">The client's key, 24 bytes.</param>
    /// <param name="subprotocol">The selected name, a token; <c>null</c> for none.</param>
    /// <param name="extensions">The value of Sec-WebSocket-Extensions; <c>null</c> for none.</param>
    public static void WriteAccepted(
        IBufferWriter<byte> output, ReadOnlySpan<byte> key, string? subprotocol, string? extensions)
    {
        output.Write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"u8);
        output.Write("Sec-WebSocket-Accept: "u8);
        WriteAccept(key, output.GetSpan(AcceptLength));
        output.Advance(AcceptLength);
        if (subprotocol is not null)
        {
            output.Write("\r\nSec-WebSocket-Protocol: "u8);
            WriteAscii(output, subprotocol);
        }

        if (extensions is not null)
        {
            output.Write("\r\nSec-WebSocket-Extensions: "u8);
            WriteAscii(output, extensions);
        }

        output.Write("\r\n\r\n"u8);
    }

    /// <summary>Writes a whole HTTP response, after which the connection is to be closed.</summary>
    public static void WriteRefused(IBufferWriter<byte> output, HandshakeRefusal refusal)
    {
        output.Write("HTTP/1.1 "u8);
        WriteNumber(output, refusal.StatusCode);
        output.Write(" "u8);
        WriteAscii(output, ReasonPhrases.GetReasonPhrase(refusal.StatusCode));
        output.Write("\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: "u8);
        WriteNumber(output, refusal.Reason.Length + 1);

        // RFC 9110 15.5.22: "The server MUST send an Upgrade header field in a 426 response", which by 7.8 of the same the
        // Connection header must name.
        output.Write(refusal.StatusCode == 426
            ? "\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n"u8
            : "\r\nConnection: close\r\n"u8);
        if (refusal.ExtraHeader is not null)
        {
            WriteAscii(output, refusal.ExtraHeader);
            output.Write("\r\n"u8);
        }

        output.Write("\r\n"u8);
        WriteAscii(output, refusal.Reason);
        output.Write("\n"u8);
    }

    /// <summary>The value of Sec-WebSocket-Accept for a key of 24 ASCII characters.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The key has another length.</exception>
    public static string ComputeAccept(string key)
    {
        Span<byte> accept = stackalloc byte[AcceptLength];
        WriteAccept(Encoding.ASCII.GetBytes(key), accept);
        return Encoding.ASCII.GetString(accept);
    }

    // RFC 6455 1.3: base64 of the SHA-1 of the key's text and a fixed GUID.
    [SuppressMessage("Security", "CA5350", Justification = "RFC 6455 demands SHA-1; it protects no secret.")]
    private static void WriteAccept(ReadOnlySpan<byte> key, Span<byte> accept)
    {
        ReadOnlySpan<byte> guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"u8;
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, KeyLength);
        Span<byte> text = stackalloc byte[KeyLength + 36];
        key.CopyTo(text);
        guid.CopyTo(text[KeyLength..]);

        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
        SHA1.HashData(text, hash);
        OperationStatus status = Base64.EncodeToUtf8(hash, accept, out _, out int written);
        Debug.Assert(status == OperationStatus.Done && written == AcceptLength, "20 bytes encode to 28 characters.");
    }

    private static void WriteAscii(IBufferWriter<byte> output, string text)
    {
        OperationStatus status = Ascii.FromUtf16(text, output.GetSpan(text.Length), out int written);
        if (status != OperationStatus.Done)
        {
            throw new ArgumentException($"'{text}' is not ASCII.", nameof(text));
        }

        output.Advance(written);
    }

    private static void WriteNumber(IBufferWriter<byte> output, int number)
    {
        Span<byte> digits = output.GetSpan(10);
        _ = number.TryFormat(digits, out int written, provider: null);
        output.Advance(written);
    }
}
