using System.Collections.Concurrent;
using System.Text;

namespace Weir.Brokers.Postgres.Announcing;

/// <summary>
/// The rooms whose announcements are passed on. Every node reads all announcements, so that a subscription is an entry here.
/// Thread-safe.
/// </summary>
internal sealed class Subscriptions
{
    private const int MostCharsOnStack = 256;

    private readonly ConcurrentDictionary<string, string> _rooms = new(StringComparer.Ordinal);

    public void Add(string room) => _rooms.TryAdd(room, room);

    public void Remove(string room) => _rooms.TryRemove(room, out _);

    public bool Contains(string room) => _rooms.ContainsKey(room);

    /// <summary>Returns a room by its name in UTF-8; <c>null</c> if it is not subscribed to.</summary>
    public string? Find(ReadOnlySpan<byte> name)
    {
        if (_rooms.IsEmpty)
        {
            return null;
        }

        if (name.Length > MostCharsOnStack)
        {
            return _rooms.GetValueOrDefault(Encoding.UTF8.GetString(name));
        }

        Span<char> chars = stackalloc char[MostCharsOnStack];
        int length = Encoding.UTF8.GetChars(name, chars);
        return _rooms.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(chars[..length], out string? room) ? room : null;
    }
}
