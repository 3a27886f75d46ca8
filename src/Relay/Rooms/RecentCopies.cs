using Weir.Rooms;

namespace Weir.Relay.Rooms;

/// <summary>
/// The messages to several rooms whose copies may still come, by their publishing node and its number for them. Thread-safe.
/// </summary>
/// <remarks>
/// Two generations: the older one is forgotten when the newer one is full or old enough. So a copy that comes within
/// <see cref="Lifetime"/> of the first, and before <see cref="MaxInGeneration"/> further messages to several rooms, is
/// recognized; one that comes after twice as much is not, and a connection in both rooms is sent it again.
/// </remarks>
internal sealed class RecentCopies(TimeProvider time)
{
    internal const int MaxInGeneration = 16 * 1024;

    internal static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(2);

    private readonly Lock _gate = new();
    private Dictionary<(string Node, long Message), MessageCopies> _newer = [];
    private Dictionary<(string Node, long Message), MessageCopies> _older = [];
    private long _since = time.GetTimestamp();

    /// <summary>The copies of a message.</summary>
    /// <param name="node">The node that published it.</param>
    /// <param name="message">That node's number for it.</param>
    public MessageCopies Of(string node, long message)
    {
        lock (_gate)
        {
            (string, long) key = (node, message);
            if (!_newer.TryGetValue(key, out MessageCopies? copies) && !_older.TryGetValue(key, out copies))
            {
                RotateIfDueInsideLock();
                _newer.Add(key, copies = new MessageCopies());
            }

            return copies;
        }
    }

    /// <summary>Releases what is too old; called by the node's maintenance, so that an idle node keeps nothing.</summary>
    public void Trim()
    {
        lock (_gate)
        {
            if (_newer.Count + _older.Count > 0)
            {
                RotateIfDueInsideLock();
            }
        }
    }

    private void RotateIfDueInsideLock()
    {
        if (_newer.Count >= MaxInGeneration || time.GetElapsedTime(_since) >= Lifetime)
        {
            _older = _newer;
            _newer = [];
            _since = time.GetTimestamp();
        }
    }
}
