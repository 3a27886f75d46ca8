namespace Weir.Relay;

/// <summary>
/// What carries publications between nodes and remembers them: the seam under which Redis, or the memory of a single node,
/// does the work. All members are thread-safe.
/// </summary>
/// <remarks>
/// <para>Order: the broker decides the order of a room's publications, and announces them in that order to every node that
/// has subscribed to the room, the publishing node included. Where the room's rule keeps history each publication has an
/// offset: integers without a gap within an epoch. The epoch changes when the broker has lost what it knew.</para>
/// <para>Delivery: announcements are at most once. A node finds what it missed by comparing offsets and reading history.</para>
/// </remarks>
public interface IBroker : IAsyncDisposable
{
    /// <summary>Whether this node is all there is, so that nothing announced here comes from, or is needed by, another.</summary>
    bool IsSingleNode { get; }

    /// <summary>Whether the broker can be reached now.</summary>
    BrokerHealth Health { get; }

    /// <summary>
    /// Begins: announcements go to <paramref name="sink"/> from now on. Called once. Completes without waiting for a broker
    /// that is away; it is looked for until it is there.
    /// </summary>
    Task StartAsync(IBrokerSink sink, CancellationToken cancellationToken);

    /// <summary>
    /// Publishes. Completes when the broker has numbered, stored (where the rule says so) and announced it. Calls for one
    /// room that are made one after another are numbered in that order, also when none was awaited.
    /// </summary>
    /// <remarks>
    /// A broker that can announce but not store (it is full, or has too few replicas) announces the publication without a
    /// number, in its place in the order, unless the rule is <see cref="RoomRule.Durable"/>; then it fails.
    /// </remarks>
    /// <returns>
    /// The publication's position; an offset of 0 where it was announced and not stored: the rule keeps no history, or the
    /// broker cannot store now.
    /// </returns>
    /// <exception cref="BrokerUnavailableException">
    /// The broker is away, or too much waits for it already; <see cref="BrokerUnavailableException.IsUnknown"/> says whether
    /// it may have been published all the same.
    /// </exception>
    ValueTask<StreamPosition> PublishAsync(string room, Publication publication, RoomRule rule, CancellationToken cancellationToken);

    /// <summary>
    /// Asks for the announcements of a room. Completes when everything published from then on will be announced. Idempotent;
    /// the caller counts references. After a lost link the broker subscribes again by itself.
    /// </summary>
    /// <exception cref="BrokerUnavailableException">The broker is away. It is subscribed to as soon as the broker is back.</exception>
    ValueTask SubscribeAsync(string room, CancellationToken cancellationToken);

    /// <summary>Ends the announcements of a room.</summary>
    ValueTask UnsubscribeAsync(string room, CancellationToken cancellationToken);

    /// <summary>Reads a room's history and its top position, both of one moment.</summary>
    /// <exception cref="BrokerUnavailableException">The broker is away.</exception>
    ValueTask<RoomHistory> ReadHistoryAsync(string room, HistoryQuery query, RoomRule rule, CancellationToken cancellationToken);

    /// <summary>
    /// Leaves out a number of a room's sequence, so that each position from before shows that publications are missing; see
    /// <see cref="Publication.IsAfterLoss"/>. Does nothing by default.
    /// </summary>
    /// <returns>The position with the number that was left out; the default if there was no sequence.</returns>
    /// <exception cref="BrokerUnavailableException">The broker is away, or cannot store.</exception>
    ValueTask<StreamPosition> SkipAsync(string room, RoomRule rule, CancellationToken cancellationToken) => default;

    /// <summary>Forgets a room's publications; its offsets go on.</summary>
    /// <exception cref="BrokerUnavailableException">The broker is away.</exception>
    ValueTask RemoveHistoryAsync(string room, CancellationToken cancellationToken);

    /// <summary>
    /// Notes a client as present for <paramref name="lifetime"/>; call again before that is over to prolong. Announced as
    /// joined only when it was not present.
    /// </summary>
    /// <exception cref="BrokerUnavailableException">The broker is away.</exception>
    ValueTask SetPresenceAsync(string room, RoomMember member, TimeSpan lifetime, CancellationToken cancellationToken);

    /// <summary>Notes a client as gone, and announces that if it was present.</summary>
    /// <exception cref="BrokerUnavailableException">The broker is away.</exception>
    ValueTask RemovePresenceAsync(string room, string client, CancellationToken cancellationToken);

    /// <summary>Who is present, on all nodes.</summary>
    /// <exception cref="BrokerUnavailableException">The broker is away.</exception>
    ValueTask<IReadOnlyList<RoomMember>> ReadPresenceAsync(string room, CancellationToken cancellationToken);

    /// <summary>Sends a message from node to node: to one by its id, or to all others where <paramref name="node"/> is null.</summary>
    /// <exception cref="BrokerUnavailableException">The broker is away.</exception>
    ValueTask SendControlAsync(string? node, ReadOnlyMemory<byte> message, CancellationToken cancellationToken);
}

/// <summary>Whom a broker tells. Called on the broker's threads, for one room in order; must not block.</summary>
public interface IBrokerSink
{
    /// <summary>The id of this node, by which others reach it; unique for each start of a process.</summary>
    string NodeId { get; }

    /// <summary>
    /// What has arrived together follows on this thread, up to <see cref="OnBatchEnded"/>, which must come: the members of a
    /// room are then given it in one piece. A broker that hands over one by one need not call it.
    /// </summary>
    void OnBatchBegins()
    {
    }

    /// <summary>Nothing more has arrived for now.</summary>
    void OnBatchEnded()
    {
    }

    /// <summary>A room that was subscribed to has a publication.</summary>
    void OnPublication(string room, Publication publication, string epoch);

    /// <summary>A client has joined or left a room that was subscribed to.</summary>
    void OnPresenceChanged(string room, RoomMember member, bool hasJoined);

    /// <summary>A message from another node.</summary>
    void OnControl(ReadOnlyMemory<byte> message);

    /// <summary>
    /// The link is down (announcements may be missed from now on), or it is up again and every subscription is back: the
    /// position of every room must be checked. A broker logs the reason itself, at Warning when it is no longer up and at
    /// Information when it is again.
    /// </summary>
    void OnHealthChanged(BrokerHealth health);
}

/// <summary>Whether a broker can be reached.</summary>
public enum BrokerHealth
{
    /// <summary>It answers, stores, and announcements come.</summary>
    Up,

    /// <summary>It does not answer, or announcements may be missed.</summary>
    Degraded,

    /// <summary>Announcements come, but it refuses to store: it is full, or may not write without its replicas.</summary>
    Refusing,
}
