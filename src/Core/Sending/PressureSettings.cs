namespace Weir.Sending;

/// <summary>The <see cref="PressureOptions"/> of an endpoint, as its senders use them.</summary>
/// <param name="HighWaterBytes">From here on the handler is told; 0: never.</param>
/// <param name="CloseAtBytes">The most that may wait.</param>
/// <param name="MaxDelay">The longest a message may wait; zero: any time.</param>
/// <param name="Policy">What a message beyond the limit leads to.</param>
/// <param name="CloseCode">What a client that is too slow is closed with.</param>
/// <param name="CloseReason">Its reason.</param>
/// <param name="CloseTimeout">How long it may take to see it.</param>
internal sealed record PressureSettings(
    long HighWaterBytes, long CloseAtBytes, TimeSpan MaxDelay, PressurePolicy Policy, CloseCode CloseCode, string CloseReason, TimeSpan CloseTimeout)
{
    public static PressureSettings From(PressureOptions options) => new(
        options.HighWaterBytes, options.CloseAtBytes, options.MaxDelay, options.Policy, options.CloseCode, options.CloseReason, options.CloseTimeout);
}
