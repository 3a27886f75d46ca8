using Weir.Protocol;

namespace Weir.Limits;

/// <summary>How much one client may send; 0 is no limit.</summary>
/// <param name="MessagesPerSecond">Messages, Pings and unsolicited Pongs.</param>
/// <param name="BytesPerSecond">Bytes as received.</param>
/// <param name="Burst">How much may arrive at once, as time at the rate.</param>
/// <param name="CloseCode">The code that closes a client which sends more.</param>
/// <param name="CloseReason">The reason with it; <c>null</c>: the limit that was exceeded.</param>
internal sealed record InboundSettings(
    int MessagesPerSecond, long BytesPerSecond, TimeSpan Burst, CloseCode CloseCode, string? CloseReason);
