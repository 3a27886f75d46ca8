namespace Weir.Client;

/// <summary>Settings of a <see cref="Subscription"/>. Values are read when it is made.</summary>
public sealed class SubscriptionOptions
{
    /// <summary>
    /// Whether to ask the server to recover what was missed. Default true; a channel that keeps no history has nothing to recover, and
    /// says so. If the server refuses to be asked, set it to false.
    /// </summary>
    public bool Recoverable { get; set; } = true;

    /// <summary>Where to begin, if not with what comes next: a position from an earlier life of this program. Default null.</summary>
    public StreamPosition? Since { get; set; }

    /// <summary>Whether to be told who comes and goes. Default false.</summary>
    public bool JoinLeave { get; set; }

    /// <summary>JSON that goes with the subscribe command; empty for none.</summary>
    public ReadOnlyMemory<byte> Data { get; set; }

    /// <summary>
    /// Brings the token for a channel that demands one. Called with its name before the first subscribe, and again when the token has
    /// expired. Null as the token ends the subscription; an exception is tried again later. Default null: no token is sent.
    /// </summary>
    public Func<string, CancellationToken, ValueTask<string?>>? GetToken { get; set; }

    /// <summary>
    /// The most events that wait for <see cref="Subscription.ReadAllAsync"/>. Default 1,000. Beyond it publications are not taken, and
    /// when the user has caught up they are recovered; in a channel without recovery he is told that some are missing. Other
    /// subscriptions are not held up.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public int InboxCapacity { get; set => field = Check.Positive(value); } = 1000;
}
