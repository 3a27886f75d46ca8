using System.Text;
using Weir.LoadTest.Client;
using Weir.LoadTest.Protocols;

namespace Weir.LoadTest.Activities;

/// <summary>Openings that no server should accept.</summary>
internal static class BadOpenings
{
    private const string Key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

    /// <summary>Handshakes that break RFC 6455 section 4, or HTTP.</summary>
    public static IReadOnlyList<Opening> Handshakes(Target target)
    {
        string get = $"GET {target.PathWith("room=flood")} HTTP/1.1\r\nHost: {target.Authority}\r\n";
        const string upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
        const string version = "Sec-WebSocket-Version: 13\r\n";
        string[] requests =
        [
            $"{get}{upgrade}{version}\r\n", // no key
            $"{get}{upgrade}{version}Sec-WebSocket-Key: c2hvcnQ=\r\n\r\n", // a key of five bytes
            $"{get}{upgrade}{Key}Sec-WebSocket-Version: 8\r\n\r\n", // a draft's version
            $"{get}{upgrade}{Key}{version}Bad Header : x\r\n\r\n",
            $"POST {target.PathWith("room=flood")} HTTP/1.1\r\nHost: {target.Authority}\r\n{upgrade}{Key}{version}Content-Length: 0\r\n\r\n",
            $"GET {target.PathWith("room=flood")} HTTP/1.1\r\n{upgrade}{Key}{version}\r\n", // no host
            $"{get}{upgrade}{Key}{version}X-Padding: {new string('x', 40_000)}\r\n\r\n", // too long a head
            "\u0016\u0003\u0001\u0002\0\u0001\0\u0001\u00FC\u0003\u0003\r\n\r\n", // TLS on a plain port
        ];
        return [.. requests.Select(request => new Opening(target, Encoding.Latin1.GetBytes(request), [], Answers: 1))];
    }

    /// <summary>Tokens that are invalid, have another signer, or have expired, in the field where the protocol has them.</summary>
    public static IReadOnlyList<Opening> Tokens(Target target, IProtocol protocol)
    {
        const string longAgo = """{"sub":"mallory","exp":1000000000}""";
        const string farOff = """{"sub":"mallory","exp":4000000000}""";
        string[] tokens =
        [
            "nonsense",
            $"{Part("""{"alg":"HS256","typ":"JWT"}""")}.{Part(farOff)}.{Part("not the signature of anybody")}",
            $"{Part("""{"alg":"HS256","typ":"JWT"}""")}.{Part(longAgo)}.{Part("not the signature of anybody")}",
            $"{Part("""{"alg":"none"}""")}.{Part(farOff)}.",
            $"{Part("""{"alg":"RS256","kid":"../../dev/null"}""")}.{Part(farOff)}.{Part(new string('s', 256))}",
            new string('a', 4000),
        ];
        return [.. tokens.Select(token => protocol.Open(target, ["flood"], token, receiveBufferBytes: null))];
    }

    private static string Part(string text)
        => Convert.ToBase64String(Encoding.UTF8.GetBytes(text)).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}
