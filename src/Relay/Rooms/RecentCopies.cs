using Weir.Rooms;

namespace Weir.Relay.Rooms;

/// <summary>
/// The messages to several rooms of which further copies may arrive, by their publishing node and its number for them. Thread-safe.
/// </summary>
/// <remarks>
/// Two generations: the older one is dropped when the newer one is full or old enough. So a copy that arrives within <see cref="Lifetime"/>
/// of the first, and before <see cref="MaxInGeneration"/> further messages to several rooms, is recognized; one that arrives after twice as
/// much is not, and a connection in both rooms is sent it again.
/// </remarks>
internal sealed class RecentCopies(TimeProvider time)
{
    internal const int MaxInGeneration = 16 * 1024;

    internal static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(2);

    private readonly Lock _gate = new();
    private Dictionary<(string Node, long Message), MessageCopies> _newer = [];
    private Dictionary<(string Node, long Message), MessageCopies> _older = [];
    private long _since = time.GetTimestamp();

    /// <summary>Gets the copies of a message.</summary>
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

    /// <summary>Evicts what is too old; called by the node's maintenance, so that an idle node keeps no entries.</summary>
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
