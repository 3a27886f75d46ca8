using System.Text;
using Weir.Relay.Brokers;
using Weir.Testing;

namespace Weir.Brokers.Testing;

/// <summary>Records what a broker announces to a node. Thread-safe.</summary>
public sealed class RecordingSink(string nodeId) : IBrokerSink
{
    private readonly Lock _lock = new();
    private readonly List<(string Room, Publication Publication, string Epoch)> _publications = [];
    private readonly List<(string Room, RoomMember Member, bool HasJoined)> _presence = [];
    private readonly List<string> _controls = [];
    private readonly List<BrokerHealth> _health = [];

    /// <inheritdoc/>
    public string NodeId => nodeId;

    /// <summary>The rules of the node's rooms; default: none, so that no room keeps history.</summary>
    public RoomRules Rules { get; init; } = new();

    /// <summary>The control messages so far, as text.</summary>
    public IReadOnlyList<string> Controls => Copy(_controls);

    /// <summary>The changes of the broker's health so far.</summary>
    public IReadOnlyList<BrokerHealth> Health => Copy(_health);

    /// <summary>The number of publications of all rooms so far.</summary>
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

    /// <summary>The publications of a room so far, each with the epoch it was announced with.</summary>
    public IReadOnlyList<(Publication Publication, string Epoch)> PublicationsOf(string room)
        => [.. Copy(_publications).Where(each => each.Room == room).Select(static each => (each.Publication, each.Epoch))];

    /// <summary>The texts of a room's publications so far.</summary>
    public IReadOnlyList<string> TextsOf(string room) => [.. PublicationsOf(room).Select(static each => each.Publication.Text())];

    /// <summary>The texts of all publications so far, by room.</summary>
    public ILookup<string, string> TextsByRoom()
        => Copy(_publications).ToLookup(static each => each.Room, static each => each.Publication.Text());

    /// <summary>The joins and leaves of a room so far, as "+client" and "-client".</summary>
    public IReadOnlyList<string> PresenceOf(string room)
        => [.. Copy(_presence).Where(each => each.Room == room).Select(static each => (each.HasJoined ? "+" : "-") + each.Member.Client)];

    /// <summary>Waits until at least so many publications of a room have been announced.</summary>
    /// <exception cref="TimeoutException">They were not announced within <see cref="Bounded.DefaultLimit"/>.</exception>
    public Task WaitForAsync(string room, int count)
        => Bounded.Eventually(() => PublicationsOf(room).Count >= count, what: $"{count} publications in {room}");

    /// <inheritdoc/>
    public RoomRule RuleOf(string room) => Rules.Of(room);

    /// <inheritdoc/>
    public void OnPublication(string room, Publication publication, string epoch) => Add(_publications, (room, publication, epoch));

    /// <inheritdoc/>
    public void OnPresenceChanged(string room, RoomMember member, bool hasJoined) => Add(_presence, (room, member, hasJoined));

    /// <inheritdoc/>
    public void OnControl(ReadOnlyMemory<byte> message) => Add(_controls, Encoding.UTF8.GetString(message.Span));

    /// <inheritdoc/>
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
