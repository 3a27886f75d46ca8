namespace Weir.Relay;

/// <summary>The broker could not do what was asked, because it is away or too much waits for it.</summary>
public sealed class BrokerUnavailableException : Exception
{
    /// <summary>Says what could not be done, and why.</summary>
    public BrokerUnavailableException(string message, bool isUnknown, Exception? innerException = null)
        : base(message, innerException)
    {
        IsUnknown = isUnknown;
    }

    /// <summary>Whether it may have been done all the same: the link broke between the request and its answer.</summary>
    public bool IsUnknown { get; }
}
