namespace Weir.Client;

/// <summary>A command got no result.</summary>
public sealed class CentrifugoException : Exception
{
    internal CentrifugoException(DeliveryResult result)
        : base(result.ErrorCode == 0 ? result.Reason : $"{result.Reason} ({result.ErrorCode})") => Result = result;

    /// <summary>Why: <see cref="Delivery.Failed"/> if it had no effect, <see cref="Delivery.Unknown"/> if that is not known.</summary>
    public DeliveryResult Result { get; }
}
