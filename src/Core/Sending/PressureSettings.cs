using Weir.Protocol;

namespace Weir.Sending;

/// <summary>Limits and policy for clients of an endpoint that read too slowly; shared by its senders.</summary>
/// <param name="HighWaterBytes">Pending bytes at which the handler is notified; 0: never.</param>
/// <param name="CloseAtBytes">The most pending bytes.</param>
/// <param name="MaxDelay">The longest a message may wait; zero: no limit.</param>
/// <param name="Policy">How a message beyond the limit is handled.</param>
/// <param name="CloseCode">The code that closes a client that is too slow.</param>
/// <param name="CloseReason">Its reason.</param>
/// <param name="CloseTimeout">The time such a client has to receive the close frame and answer it.</param>
internal sealed record PressureSettings(
    long HighWaterBytes,
    long CloseAtBytes,
    TimeSpan MaxDelay,
    PressurePolicy Policy,
    CloseCode CloseCode,
    string CloseReason,
    TimeSpan CloseTimeout)
{
    /// <summary>The policy's name in metrics and logs.</summary>
    public string PolicyName => Policy switch
    {
        PressurePolicy.DropNewest => "drop_newest",
        PressurePolicy.DropOldest => "drop_oldest",
        PressurePolicy.KeepLatest => "keep_latest",
        _ => "close",
    };
}
