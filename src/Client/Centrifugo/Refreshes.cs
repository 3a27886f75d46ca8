namespace Weir.Client.Centrifugo;

/// <summary>Computes when a token is refreshed, from the time to live that the server reports. Not thread-safe.</summary>
internal sealed class Refreshes
{
    /// <summary>The delay after a refresh that the callback or the server failed: the old token is still valid for a moment.</summary>
    public static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(5);

    // For servers that report less time left than a refresh takes.
    private static readonly TimeSpan _least = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _early = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _mostAfterNothing = TimeSpan.FromMinutes(1);

    private int _withoutTime;

    /// <summary>
    /// A tenth of the lifetime before its end, at most ten seconds, so that a strict server accepts the refresh. A token with no
    /// time left is refreshed after one second; if its successors have none left either, the delay doubles each time, up to a
    /// minute.
    /// </summary>
    public TimeSpan After(TimeSpan timeToLive)
    {
        if (timeToLive <= TimeSpan.Zero)
        {
            TimeSpan wait = _least * Math.Pow(2, _withoutTime);
            _withoutTime = Math.Min(_withoutTime + 1, 6);
            return wait < _mostAfterNothing ? wait : _mostAfterNothing;
        }

        _withoutTime = 0;
        TimeSpan early = timeToLive / 10 < _early ? timeToLive / 10 : _early;
        return timeToLive - early > _least ? timeToLive - early : _least;
    }
}
