using System.Diagnostics;

namespace Weir.LoadTest.Client;

/// <summary>
/// Opens many connections, so many at a time, until all are there: a refused one is tried again, however long it takes, unless
/// none at all opens any more.
/// </summary>
/// <param name="count">Connections in all, numbered from 0.</param>
/// <param name="rate">Connections begun per second; 0: as fast as the server answers.</param>
/// <param name="patience">How long to go on when none opens.</param>
internal sealed class Opener(int count, double rate, TimeSpan patience)
{
    // Enough to keep a server busy, and few enough for any backlog.
    private const int MostInFlight = 256;

    private readonly Queue<int> _waiting = new(Enumerable.Range(0, count));
    private readonly Dictionary<string, int> _refusals = [];
    private readonly long _began = Stopwatch.GetTimestamp();
    private long _lastOpened = Stopwatch.GetTimestamp();
    private int _begun;

    public int Opened { get; private set; }

    public bool IsDone => Opened == count;

    /// <summary>All tries that failed, by what was said.</summary>
    public IReadOnlyDictionary<string, int> Refusals => _refusals;

    public bool HasGivenUp => !IsDone && Stopwatch.GetElapsedTime(_lastOpened) > patience;

    private int InFlight => count - Opened - _waiting.Count;

    /// <summary>The number of the next connection to begin now; null: none yet.</summary>
    /// <remarks>Not from inside the loop's events: there a number may still be spoken of that has just ended.</remarks>
    public int? Next()
    {
        bool isDue = rate == 0 || _begun < Stopwatch.GetElapsedTime(_began).TotalSeconds * rate;
        if (!isDue || InFlight >= MostInFlight || !_waiting.TryDequeue(out int number))
        {
            return null;
        }

        _begun++;
        return number;
    }

    public void OnOpened()
    {
        Opened++;
        _lastOpened = Stopwatch.GetTimestamp();
    }

    public void OnRefused(int number, string why)
    {
        _refusals[why] = _refusals.GetValueOrDefault(why) + 1;
        _waiting.Enqueue(number);
    }
}
