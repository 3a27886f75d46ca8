using Weir.LoadTest.Client;

namespace Weir.LoadTest.Activities;

/// <summary>
/// A client that does not read while its room is flooded. When it reads on it must find whole messages without a gap, and then
/// that it was too slow.
/// </summary>
internal sealed class SlowClient
{
    /// <summary>SO_RCVBUF: little of the flood is hidden in it.</summary>
    public const int ReceiveBufferBytes = 8 * 1024;

    // 2 MB a second: past a megabyte and the system's buffers within seconds.
    public const int FloodPayloadBytes = 16 * 1024;
    public const double FloodRate = 128;

    public const int TooSlow = 1009;

    private int _next;

    public bool HasGap { get; private set; }

    /// <summary>A message of the flood has come.</summary>
    public void Deliver(int number)
    {
        HasGap |= number != _next;
        _next = number + 1;
    }

    public bool IsClosedAsSlow(ConnectionEnd end, int code = TooSlow)
        => end.Code == code && !HasGap && (code != TooSlow || end.Reason == "too slow");
}
