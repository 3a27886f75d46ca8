using System.Text;

namespace Weir.LoadTest.Client;

/// <summary>How a connection ended.</summary>
/// <param name="Code">Of the server's close frame; 1006 when none came.</param>
/// <param name="Reason">Of that frame; else what happened.</param>
internal readonly record struct ConnectionEnd(int Code, string Reason)
{
    public const int NoCloseFrame = 1006;

    /// <summary>RFC 6455 section 7.1.5: a close frame without a code.</summary>
    public const int NoCode = 1005;

    /// <summary>The code of the answer: an endpoint typically echoes the code (RFC 6455 section 5.5.1).</summary>
    public int Answer => Code == NoCode ? 1000 : Code;

    /// <summary>By the payload of the server's close frame.</summary>
    public static ConnectionEnd FromClosePayload(ReadOnlySpan<byte> payload) => payload.Length < 2
        ? new ConnectionEnd(NoCode, "")
        : new ConnectionEnd((payload[0] << 8) | payload[1], Encoding.UTF8.GetString(payload[2..]));

    public static ConnectionEnd WithoutCloseFrame(string how) => new(NoCloseFrame, how);

    /// <summary>For people and for counting.</summary>
    public override string ToString() => Code == NoCloseFrame ? Reason : $"{Code} {Reason}".TrimEnd();
}
