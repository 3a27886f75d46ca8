using System.Buffers;
using System.Text;

namespace Weir.Handshake;

/// <summary>
/// Writes a request that an HTTP server has already parsed back as a request header block, so that one set of rules checks every
/// entry point. Rejects bytes that could smuggle a line into it; those rules check the rest.
/// </summary>
internal static class RequestHeadWriter
{
    /// <summary>
    /// Writes the header block, as HTTP/1.1. Values are written as UTF-8, which is how Kestrel reads them. Kestrel passes bytes
    /// that no header block may contain: a query with spaces, controls or raw UTF-8, and over HTTP/2 line ends within a header's
    /// value.
    /// </summary>
    /// <param name="method">The method.</param>
    /// <param name="target">Path and query, still encoded.</param>
    /// <param name="headers">The header lines.</param>
    /// <param name="head">The header block; <c>null</c> if the request is refused.</param>
    /// <returns>
    /// Why the request is refused: the method or a name is not a token, the target contains white space or a byte other than
    /// visible ASCII, or a value contains CR, LF or NUL. <c>null</c> if it is not refused.
    /// </returns>
    public static HandshakeRefusal? TryWrite(
        string method, string target, IEnumerable<KeyValuePair<string, string>> headers, out byte[]? head)
    {
        head = null;
        if (!HttpSyntax.IsToken(method))
        {
            return HandshakeRefusal.NotGet;
        }

        if (target.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            return HandshakeRefusal.BadTarget;
        }

        ArrayBufferWriter<byte> written = new(512);
        Encoding.ASCII.GetBytes($"{method} {target} HTTP/1.1\r\n", written);
        foreach ((string name, string value) in headers)
        {
            if (!HttpSyntax.IsToken(name))
            {
                return HandshakeRefusal.BadHeaderName;
            }

            if (value.AsSpan().ContainsAny("\r\n\0"))
            {
                return HandshakeRefusal.BadHeaderValue;
            }

            Encoding.ASCII.GetBytes(name, written);
            written.Write(": "u8);
            Encoding.UTF8.GetBytes(value, written);
            written.Write("\r\n"u8);
        }

        written.Write("\r\n"u8);
        head = written.WrittenSpan.ToArray();
        return null;
    }
}
