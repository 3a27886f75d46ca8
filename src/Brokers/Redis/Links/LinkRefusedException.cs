namespace Weir.Brokers.Redis.Links;

/// <summary>Redis replied with an error, or could not be reached.</summary>
internal sealed class LinkRefusedException(string message, Exception? innerException = null) : Exception(message, innerException)
{
    /// <summary>Another server has the channel's slot.</summary>
    public bool IsMoved => Message.StartsWith("MOVED ", StringComparison.Ordinal);
}
