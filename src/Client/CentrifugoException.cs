using Weir.Client.Sending;

namespace Weir.Client;

/// <summary>A command has no result.</summary>
public sealed class CentrifugoException : Exception
{
    internal CentrifugoException(DeliveryResult result)
        : base(result.ErrorCode == 0 ? result.Reason : $"{result.Reason} ({result.ErrorCode})") => Result = result;

    /// <summary>
    /// The reason: <see cref="Delivery.Failed"/> if it had no effect, <see cref="Delivery.Unknown"/> if that is unknown.
    /// </summary>
    public DeliveryResult Result { get; }
}
