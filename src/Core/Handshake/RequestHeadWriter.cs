using System.Buffers;
using System.Text;

namespace Weir.Handshake;

/// <summary>
/// Writes a request that an HTTP server has already parsed back to the form of a head, so that one set of rules
/// judges every way in. Checks what could smuggle a line into the head; the rest is for those rules.
/// </summary>
internal static class RequestHeadWriter
{
    /// <summary>The head, as HTTP/1.1. Values are written as UTF-8, which is how Kestrel reads them.</summary>
    /// <exception cref="ArgumentException">
    /// The method or a name is no token, the target holds white space or anything but ASCII, or a value holds CR, LF
    /// or NUL.
    /// </exception>
    public static byte[] Write(string method, string target, IEnumerable<KeyValuePair<string, string>> headers)
    {
        if (!HttpSyntax.IsToken(method))
        {
            throw new ArgumentException("The method is no token.", nameof(method));
        }

        if (target.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            throw new ArgumentException("The target must be visible ASCII.", nameof(target));
        }

        ArrayBufferWriter<byte> head = new(512);
        Encoding.ASCII.GetBytes($"{method} {target} HTTP/1.1\r\n", head);
        foreach ((string name, string value) in headers)
        {
            if (!HttpSyntax.IsToken(name))
            {
                throw new ArgumentException($"'{name}' is no header name.", nameof(headers));
            }

            if (value.AsSpan().ContainsAny("\r\n\0"))
            {
                throw new ArgumentException($"The value of '{name}' holds CR, LF or NUL.", nameof(headers));
            }

            Encoding.ASCII.GetBytes(name, head);
            head.Write(": "u8);
            Encoding.UTF8.GetBytes(value, head);
            head.Write("\r\n"u8);
        }

        head.Write("\r\n"u8);
        return head.WrittenSpan.ToArray();
    }
}
