namespace Weir.Redis.Links;

/// <summary>Redis answered with an error, or could not be asked at all.</summary>
internal sealed class LinkRefusedException(string message, Exception? innerException = null) : Exception(message, innerException)
{
    /// <summary>The channel's slot is another server's.</summary>
    public bool IsMoved => Message.StartsWith("MOVED ", StringComparison.Ordinal);
}
