namespace Weir.Integration.Hosting;

/// <summary>Request heads for handshakes that are not expected to succeed.</summary>
internal static class Heads
{
    /// <param name="target">Path and query.</param>
    /// <param name="headers">More lines, each with its CR LF.</param>
    /// <param name="host">The Host header.</param>
    public static string Upgrade(string target, string headers = "", string host = "localhost") =>
        $"GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + $"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n";
}
