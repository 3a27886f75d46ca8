using System.Text;
using Weir.Relay.Brokers;
using Weir.Testing;

namespace Weir.Relay.Tests.Brokers;

/// <summary>Notes what a broker tells. Thread-safe.</summary>
internal sealed class RecordingSink(string nodeId) : IBrokerSink
{
    private readonly Lock _lock = new();
    private readonly List<(string Room, Publication Publication, string Epoch)> _publications = [];
    private readonly List<(string Room, RoomMember Member, bool HasJoined)> _presence = [];
    private readonly List<string> _controls = [];
    private readonly List<BrokerHealth> _health = [];

    public string NodeId => nodeId;

    public IReadOnlyList<string> Controls => Copy(_controls);

    public IReadOnlyList<BrokerHealth> Health => Copy(_health);

    public IReadOnlyList<(Publication Publication, string Epoch)> PublicationsOf(string room)
        => [.. Copy(_publications).Where(each => each.Room == room).Select(static each => (each.Publication, each.Epoch))];

    public IReadOnlyList<string> TextsOf(string room) => [.. PublicationsOf(room).Select(static each => each.Publication.Text())];

    /// <summary>As "+client" and "-client".</summary>
    public IReadOnlyList<string> PresenceOf(string room)
        => [.. Copy(_presence).Where(each => each.Room == room).Select(static each => (each.HasJoined ? "+" : "-") + each.Member.Client)];

    /// <summary>Publications of all rooms so far.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _publications.Count;
            }
        }
    }

    public ILookup<string, string> TextsByRoom()
        => Copy(_publications).ToLookup(static each => each.Room, static each => each.Publication.Text());

    /// <summary>Waits until so many publications of the room have been announced.</summary>
    public Task HasHeardAsync(string room, int count)
        => Bounded.Eventually(() => PublicationsOf(room).Count >= count, what: $"{count} publications in {room}");

    public void OnPublication(string room, Publication publication, string epoch) => Add(_publications, (room, publication, epoch));

    public void OnPresenceChanged(string room, RoomMember member, bool hasJoined) => Add(_presence, (room, member, hasJoined));

    public void OnControl(ReadOnlyMemory<byte> message) => Add(_controls, Encoding.UTF8.GetString(message.Span));

    public void OnHealthChanged(BrokerHealth health) => Add(_health, health);

    private void Add<T>(List<T> list, T item)
    {
        lock (_lock)
        {
            list.Add(item);
        }
    }

    private List<T> Copy<T>(List<T> list)
    {
        lock (_lock)
        {
            return [.. list];
        }
    }
}

internal static class PublicationTexts
{
    public static string Text(this Publication publication) => Encoding.UTF8.GetString(publication.Data.Span);

    public static Publication ToPublication(this string text, string? node = null, long sequence = 0)
        => new() { Data = Encoding.UTF8.GetBytes(text), Node = node, NodeSequence = sequence };
}
