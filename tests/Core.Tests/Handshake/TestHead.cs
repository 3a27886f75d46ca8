using System.Buffers;
using System.Text;
using Weir.Handshake;

namespace Weir.Core.Tests.Handshake;

/// <summary>Builds request header blocks from a valid one, and splits them into the segments that a network may deliver.</summary>
internal static class TestHead
{
    public const string Key = "dGhlIHNhbXBsZSBub25jZQ==";

    public static readonly EndpointPaths Endpoints = new(["/ws", "/chat/room 1"]);

    /// <summary>The handshake of RFC 6455 1.2.</summary>
    public static string Valid { get; } = With();

    /// <summary>A valid head, its lines with the names in <paramref name="without"/> left out, others appended.</summary>
    public static string With(
        string? extra = null,
        string? without = null,
        string method = "GET",
        string target = "/ws",
        string version = "HTTP/1.1")
    {
        StringBuilder head = new($"{method} {target} {version}\r\n");
        foreach (string line in (string[])
        [
            "Host: server.example.com",
            "Upgrade: websocket",
            "Connection: Upgrade",
            $"Sec-WebSocket-Key: {Key}",
            "Sec-WebSocket-Version: 13",
        ])
        {
            if (without is null || !line.StartsWith(without + ":", StringComparison.Ordinal))
            {
                head.Append(line).Append("\r\n");
            }
        }

        return head.Append(extra is null ? "" : extra + "\r\n").Append("\r\n").ToString();
    }

    /// <summary>A valid head with one header line given another value.</summary>
    public static string Replacing(string name, string value) => With($"{name}: {value}", without: name);

    public static UpgradeRequest Request(string head) => new(Encoding.Latin1.GetBytes(head));

    public static HandshakeRefusal? Validate(string head) => HandshakeRules.Validate(Request(head)).Refusal;

    public static HeadStatus Read(string head) => Read(head, out _);

    public static HeadStatus Read(string head, out int headLength)
    {
        long scanned = 0;
        ReadOnlySequence<byte> buffer = new(Encoding.Latin1.GetBytes(head));
        return RequestHeadReader.Read(buffer, Endpoints, 4096, ref scanned, out headLength);
    }

    /// <summary>One sequence in segments of at most <paramref name="segmentSize"/> bytes.</summary>
    public static ReadOnlySequence<byte> Segmented(ReadOnlyMemory<byte> bytes, int segmentSize)
    {
        Segment first = new(bytes[..Math.Min(segmentSize, bytes.Length)], 0);
        Segment last = first;
        for (int at = first.Memory.Length; at < bytes.Length; at += segmentSize)
        {
            last = last.Append(bytes.Slice(at, Math.Min(segmentSize, bytes.Length - at)));
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long runningIndex)
        {
            Memory = memory;
            RunningIndex = runningIndex;
        }

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            Segment next = new(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
