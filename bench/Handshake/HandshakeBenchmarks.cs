using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using BenchmarkDotNet.Attributes;
using Weir.Handshake;

namespace Weir.Bench.Handshake;

/// <summary>An opening handshake without the I/O: the processor time per client of a storm of reconnecting browsers.</summary>
[MemoryDiagnoser]
public class HandshakeBenchmarks
{
    private const string Key = "dGhlIHNhbXBsZSBub25jZQ==";

    private static readonly EndpointPaths _paths = new(["/health", "/echo", "/chat"]);

    private readonly FixedBuffer _output = new(1024);
    private readonly byte[] _keyAndGuid = Encoding.ASCII.GetBytes(Key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    private readonly byte[] _accept = new byte[28];
    private ReadOnlySequence<byte> _head;
    private UpgradeRequest? _request;

    [GlobalSetup]
    public void Setup()
    {
        _head = new ReadOnlySequence<byte>(Encoding.ASCII.GetBytes(BrowserHead));
        _request = UpgradeRequest.FromHead(_head);
        Sha1AndBase64();
        ReadValidateWrite();
        string answer = Encoding.ASCII.GetString(_output.Written);
        Wrong.Unless(Read() == _head.Length && Validate());
        Wrong.Unless(Encoding.ASCII.GetString(_accept) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); // RFC 6455 section 1.3
        Wrong.Unless(answer.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal));
        Wrong.Unless(answer.Contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", StringComparison.Ordinal));
    }

    /// <summary>The lower bound of any implementation: the proof of RFC 6455 section 4.2.2.</summary>
    [Benchmark(Baseline = true)]
    [SuppressMessage("Security", "CA5350", Justification = "RFC 6455 requires SHA-1; it protects no secret.")]
    public int Sha1AndBase64()
    {
        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
        SHA1.HashData(_keyAndGuid, hash);
        Base64.EncodeToUtf8(hash, _accept, out _, out int written);
        return written;
    }

    /// <summary>Finds whether the request is for this server, and where its header block ends.</summary>
    [Benchmark]
    public int Read()
    {
        long scanned = 0;
        RequestHeadReader.Read(_head, _paths, 16 * 1024, ref scanned, out int length);
        return length;
    }

    /// <summary>Validates it by RFC 6455 section 4.2.1.</summary>
    [Benchmark]
    public bool Validate() => HandshakeRules.Validate(_request!).IsAccepted;

    /// <summary>All steps; the bytes allocated are the request header block, which the connection keeps.</summary>
    [Benchmark]
    public int ReadValidateWrite()
    {
        UpgradeRequest request = UpgradeRequest.FromHead(_head.Slice(0, Read()));
        HandshakeResult result = HandshakeRules.Validate(request);
        _output.Clear();
        HandshakeResponse.WriteAccepted(_output, result.Key, subprotocol: null, extensions: null);
        return _output.Written.Length;
    }

    private static string BrowserHead { get; } = string.Join("\r\n",
    [
        "GET /chat?room=lobby&token=eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl HTTP/1.1",
        "Host: chat.example.com",
        "Connection: Upgrade",
        "Pragma: no-cache",
        "Cache-Control: no-cache",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
        "Upgrade: websocket",
        "Origin: https://chat.example.com",
        "Sec-WebSocket-Version: 13",
        "Accept-Encoding: gzip, deflate, br, zstd",
        "Accept-Language: en-GB,en;q=0.9,de;q=0.8",
        "Cookie: session=6f1d2c9ab47e4b0f8a31; theme=dark; consent=necessary",
        $"Sec-WebSocket-Key: {Key}",
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
        "\r\n",
    ]);
}
