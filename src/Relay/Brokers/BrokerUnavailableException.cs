namespace Weir.Relay.Brokers;

/// <summary>The broker could not execute a request, because it is unavailable or its queue is full.</summary>
public sealed class BrokerUnavailableException : Exception
{
    /// <summary>Creates the exception with the failed operation and the reason.</summary>
    public BrokerUnavailableException(string message, bool isUnknown, Exception? innerException = null)
        : base(message, innerException)
    {
        IsUnknown = isUnknown;
    }

    /// <summary>Whether the request may have been executed all the same: the link broke between the request and its answer.</summary>
    public bool IsUnknown { get; }
}
