namespace Weir.Client.Centrifugo;

/// <summary>When a token is replaced, by what servers say of its time. One task at a time.</summary>
internal sealed class Refreshes
{
    /// <summary>When the callback, or the server, could not do it this time: the old token is good for a moment more.</summary>
    public static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(5);

    // For servers that say a token has less time left than it takes to ask for another.
    private static readonly TimeSpan _least = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _early = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _mostAfterNothing = TimeSpan.FromMinutes(1);

    private int _withoutTime;

    /// <summary>
    /// A tenth before the end, at most ten seconds: the server may be as strict as it likes. A token with no time at all is replaced
    /// after one second; if its successors have none either, each after twice as long as the last, up to a minute.
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
