using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Weir.LoadTest.Client;

/// <summary>The server, and the opening handshake with it (RFC 6455 section 4.1).</summary>
internal sealed class Target
{
    // A fixed key will do for a client that no intermediary stands before. Its answer: RFC 6455 section 1.3.
    private const string Key = "dGhlIHNhbXBsZSBub25jZQ==";
    private const string Accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    private readonly Uri _url;

    /// <param name="isInsecure">Any certificate will do.</param>
    /// <exception cref="ArgumentException">No ws or wss URL of a host with an IPv4 address.</exception>
    public Target(Uri url, bool isInsecure = false)
    {
        if (url.Scheme is not ("ws" or "wss"))
        {
            throw new ArgumentException($"'{url}' is no ws:// or wss:// address.");
        }

        _url = url;
        Address = Dns.GetHostAddresses(url.DnsSafeHost, AddressFamily.InterNetwork).FirstOrDefault()
            ?? throw new ArgumentException($"'{url.DnsSafeHost}' has no IPv4 address.");
        SocketAddress = new Libc.SocketAddress(
            BinaryPrimitives.ReverseEndianness((ushort)url.Port), BitConverter.ToUInt32(Address.GetAddressBytes()));
        Tls = url.Scheme == "wss" ? new TlsClient(url.DnsSafeHost, isInsecure) : null;
    }

    public IPAddress Address { get; }

    public Libc.SocketAddress SocketAddress { get; }

    /// <summary>Null for ws.</summary>
    public TlsClient? Tls { get; }

    public string Authority => _url.Authority;

    /// <summary>The path with what the query has beside <paramref name="query"/>.</summary>
    public string PathWith(string query)
        => _url.PathAndQuery + (query.Length == 0 ? "" : (_url.Query.Length == 0 ? "?" : "&") + query);

    /// <param name="query">Follows the path and its own query, if any.</param>
    /// <param name="headers">More header lines, each with its CR LF.</param>
    public byte[] Request(string query, string headers = "") => Encoding.ASCII.GetBytes(
        $"GET {PathWith(query)} HTTP/1.1\r\nHost: {Authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + $"Sec-WebSocket-Key: {Key}\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n");

    /// <summary>Whether this is the response of a server that has upgraded; else its status line.</summary>
    public static bool IsUpgraded(ReadOnlySpan<byte> head, out string statusLine)
    {
        string text = Encoding.ASCII.GetString(head);
        statusLine = text.Split('\r')[0];
        return statusLine.StartsWith("HTTP/1.1 101", StringComparison.Ordinal)
            && text.Contains(Accept, StringComparison.Ordinal);
    }
}
