namespace Weir.Relay.Brokers;

/// <summary>
/// Carries publications between nodes and stores them: implemented on Redis, or in the memory of a single node. All members are
/// thread-safe.
/// </summary>
/// <remarks>
/// <para>Order: the broker decides the order of a room's publications, and announces them in that order to every node that has subscribed
/// to the room, the publishing node included. Where the room's rule keeps history each publication has an offset: integers without a gap
/// within an epoch. The epoch changes when the broker has lost part of the sequence.</para>
/// <para>Delivery: announcements are at most once. A node detects missed ones by comparing offsets and reading history.</para>
/// </remarks>
public interface IBroker : IAsyncDisposable
{
    /// <summary>Whether this node is the only one, so that no announcement comes from, or is needed by, another.</summary>
    bool IsSingleNode { get; }

    /// <summary>
    /// Whether it can number and store publications; default true. A node refuses rules with history on a broker that can not, and a
    /// control message that such a broker does not deliver after an outage is lost.
    /// </summary>
    bool KeepsHistory => true;

    /// <summary>Whether the broker can be reached now.</summary>
    BrokerHealth Health { get; }

    /// <summary>
    /// Returns the broker that carries the rooms of a rule, for its health and for whether it keeps history: this one, unless rooms are
    /// divided among several (<see cref="RoutingBroker"/>).
    /// </summary>
    IBroker For(RoomRule rule) => this;

    /// <summary>
    /// Begins: announcements go to <paramref name="sink"/> from now on. Called once. Completes without waiting for a broker that is
    /// unavailable; connecting is retried until it succeeds.
    /// </summary>
    Task StartAsync(IBrokerSink sink, CancellationToken cancellationToken);

    /// <summary>
    /// Publishes. Completes when the broker has numbered, stored (where the rule requires it) and announced the publication. Calls for one
    /// room that are made one after another are numbered in that order, also if none was awaited.
    /// </summary>
    /// <remarks>
    /// A broker that can announce but not store (it is full, or has too few replicas) announces the publication without an offset, in its
    /// position in the order, unless the rule is <see cref="RoomRule.Durable"/>; then it fails.
    /// </remarks>
    /// <returns>
    /// The publication's position; an offset of 0 if it was announced and not stored: the rule keeps no history, or the broker cannot store
    /// now.
    /// </returns>
    /// <exception cref="BrokerUnavailableException">
    /// The broker is unavailable, or its queue is full; <see cref="BrokerUnavailableException.IsUnknown"/> reports whether the publication
    /// may have been announced all the same.
    /// </exception>
    ValueTask<StreamPosition> PublishAsync(string room, Publication publication, RoomRule rule, CancellationToken cancellationToken);

    /// <summary>
    /// Requests the announcements of a room. Completes when everything published from then on will be announced. Idempotent; the caller
    /// counts references. After a lost link the broker subscribes again automatically.
    /// </summary>
    /// <exception cref="BrokerUnavailableException">The broker is unavailable. It subscribes as soon as it is available again.</exception>
    ValueTask SubscribeAsync(string room, CancellationToken cancellationToken);

    /// <summary>Ends the announcements of a room.</summary>
    ValueTask UnsubscribeAsync(string room, CancellationToken cancellationToken);

    /// <summary>Reads a room's history and its top position, both of one moment.</summary>
    /// <exception cref="BrokerUnavailableException">The broker is unavailable.</exception>
    ValueTask<RoomHistory> ReadHistoryAsync(string room, HistoryQuery query, RoomRule rule, CancellationToken cancellationToken);

    /// <summary>
    /// Skips one offset of a room's sequence, so that each earlier position shows that publications are missing; see
    /// <see cref="Publication.IsAfterLoss"/>. No effect by default.
    /// </summary>
    /// <returns>
    /// The position with the skipped offset; the default if none was skipped. A room without a sequence has no earlier positions: there a
    /// broker may have no effect, or begin the sequence.
    /// </returns>
    /// <exception cref="BrokerUnavailableException">The broker is unavailable, or cannot store.</exception>
    ValueTask<StreamPosition> SkipAsync(string room, RoomRule rule, CancellationToken cancellationToken) => default;

    /// <summary>Removes a room's publications; its offsets continue.</summary>
    /// <exception cref="BrokerUnavailableException">The broker is unavailable.</exception>
    ValueTask RemoveHistoryAsync(string room, CancellationToken cancellationToken);

    /// <summary>
    /// Records a client as present for <paramref name="lifetime"/>; a call before its end prolongs it. Announced as joined only if the
    /// client was not present.
    /// </summary>
    /// <exception cref="BrokerUnavailableException">The broker is unavailable.</exception>
    ValueTask SetPresenceAsync(string room, RoomMember member, TimeSpan lifetime, CancellationToken cancellationToken);

    /// <summary>Records a client as absent, and announces that if it was present.</summary>
    /// <exception cref="BrokerUnavailableException">The broker is unavailable.</exception>
    ValueTask RemovePresenceAsync(string room, string client, CancellationToken cancellationToken);

    /// <summary>Gets the clients that are present, on all nodes.</summary>
    /// <exception cref="BrokerUnavailableException">The broker is unavailable.</exception>
    ValueTask<IReadOnlyList<RoomMember>> ReadPresenceAsync(string room, CancellationToken cancellationToken);

    /// <summary>
    /// Sends a message to one node by its id, or to all others if <paramref name="node"/> is <c>null</c>. Delivered at most once.
    /// </summary>
    /// <exception cref="BrokerUnavailableException">
    /// The broker is unavailable, or <paramref name="node"/> is another node without a link to it at this moment.
    /// </exception>
    ValueTask SendControlAsync(string? node, ReadOnlyMemory<byte> message, CancellationToken cancellationToken);
}

/// <summary>Receives a broker's announcements. Called on the broker's threads, for one room in order; must not block.</summary>
public interface IBrokerSink
{
    /// <summary>The id of this node, by which others address it; unique for each start of a process.</summary>
    string NodeId { get; }

    /// <summary>
    /// The rule of a room on this node, for a broker that takes publications from elsewhere, such as a table to which applications write.
    /// <see cref="RoomRule.Default"/> by default.
    /// </summary>
    RoomRule RuleOf(string room) => RoomRule.Default;

    /// <summary>
    /// A batch of announcements follows on this thread, up to <see cref="OnBatchEnded"/>, which must be called: the members of a room are
    /// sent it in one step. A broker that delivers single announcements need not call it.
    /// </summary>
    void OnBatchBegins()
    {
    }

    /// <summary>The batch ends.</summary>
    void OnBatchEnded()
    {
    }

    /// <summary>A subscribed room has a publication.</summary>
    void OnPublication(string room, Publication publication, string epoch);

    /// <summary>A client has joined or left a subscribed room.</summary>
    void OnPresenceChanged(string room, RoomMember member, bool hasJoined);

    /// <summary>A message from another node.</summary>
    void OnControl(ReadOnlyMemory<byte> message);

    /// <summary>
    /// The link is down (announcements may be missed from now on), or it is up again with all subscriptions: the position of every room
    /// must be checked. The broker logs the reason itself, at Warning when the link goes down and at Information when it is up again.
    /// </summary>
    void OnHealthChanged(BrokerHealth health);

    /// <summary>The same for the rooms of one of several brokers only, see <see cref="IBroker.For"/>.</summary>
    void OnHealthChanged(BrokerHealth health, IBroker of) => OnHealthChanged(health);
}

/// <summary>Whether a broker can be reached.</summary>
public enum BrokerHealth
{
    /// <summary>It answers, stores and announces.</summary>
    Up,

    /// <summary>It does not answer, or announcements may be missed.</summary>
    Degraded,

    /// <summary>It announces, but refuses to store: it is full, or may not write without its replicas.</summary>
    Refusing,
}
