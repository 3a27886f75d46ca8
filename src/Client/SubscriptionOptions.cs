using Weir.Client.Events;
using Weir.Client.Validation;

namespace Weir.Client;

/// <summary>Settings of a <see cref="Subscription"/>. Values are read when it is created.</summary>
public sealed class SubscriptionOptions
{
    /// <summary>
    /// Whether to request recovery of missed publications. Default true; a channel without history reports that it has none. If the
    /// server refuses the request, set it to false.
    /// </summary>
    public bool Recoverable { get; set; } = true;

    /// <summary>The position to begin at, from an earlier run of the program. Default <c>null</c>: the next publication.</summary>
    public ClientStreamPosition? Since { get; set; }

    /// <summary>Whether to receive join and leave events. Default false.</summary>
    public bool JoinLeave { get; set; }

    /// <summary>JSON sent with the subscribe command; empty for none.</summary>
    public ReadOnlyMemory<byte> Data { get; set; }

    /// <summary>
    /// Returns the token for a channel that requires one. Called with its name before the first subscribe, and again when the token
    /// has expired. <c>null</c> as the token ends the subscription; after an exception the call is retried. Default <c>null</c>: no
    /// token is sent.
    /// </summary>
    public Func<string, CancellationToken, ValueTask<string?>>? GetToken { get; set; }

    /// <summary>
    /// The maximum number of events that wait for <see cref="Subscription.ReadAllAsync"/>. Default 1,000. Beyond it publications
    /// are dropped, and recovered once the application has caught up; in a channel without recovery <see cref="PositionLost"/>
    /// reports it. Other subscriptions are not delayed.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public int InboxCapacity { get; set => field = Check.Positive(value); } = 1000;
}
