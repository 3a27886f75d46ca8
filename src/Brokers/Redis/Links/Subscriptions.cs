using System.Collections.Concurrent;
using System.Net;
using Weir.Brokers.Redis.Wire;
using Weir.Relay.Wire;
using Weir.Timing;

namespace Weir.Brokers.Redis.Links;

/// <summary>
/// The subscribed channels, and the links on which they are requested: one link to each master. The supervision calls
/// <see cref="AlignAsync"/> after each disturbance, one call at a time; all other members may be called from any thread.
/// </summary>
internal sealed class Subscriptions(IAnnouncementTarget target, LinkSettings settings, TimeProvider time) : ILinkOwner, IDisposable
{
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<string, ChannelSubscription> _wanted = new(StringComparer.Ordinal);
    private readonly Dictionary<EndPoint, ProbedLink> _links = [];
    private Addressing? _addressing;
    private bool _isDisposed;

    /// <summary>The links that are up.</summary>
    public IReadOnlyList<ProbedLink> Links
    {
        get
        {
            lock (_gate)
            {
                return [.. _links.Values];
            }
        }
    }

    /// <summary>Adds a channel, and requests it if there is a link. Idempotent.</summary>
    /// <returns>Completes on confirmation; <c>null</c> while there is no link: the channel is then requested once there is one.</returns>
    public Task? Subscribe(string channel, string? room)
    {
        lock (_gate)
        {
            ChannelSubscription subscription = _wanted.GetOrAdd(channel, static (name, of) => new ChannelSubscription(name, of), room);
            return AskInsideLock(subscription);
        }
    }

    /// <summary>Removes a channel.</summary>
    /// <returns>Completes on confirmation, immediately if there is no link.</returns>
    public Task Unsubscribe(string channel)
    {
        lock (_gate)
        {
            return _wanted.TryRemove(channel, out ChannelSubscription? subscription) && subscription.Link is { } link
                ? link.UnsubscribeAsync(UnsubscribeVerb, channel)
                : Task.CompletedTask;
        }
    }

    /// <summary>Makes the links that are needed now, ends the others, and requests on them all channels without a subscription.</summary>
    /// <exception cref="LinkRefusedException">A server refused.</exception>
    /// <exception cref="Exception">Of a connection that could not be made.</exception>
    public async Task AlignAsync(Addressing addressing, CancellationToken cancellationToken)
    {
        // An unreachable server does not keep the rooms of the others unavailable.
        Task[] connecting = [.. addressing.Map.Servers.Select(server => ConnectAsync(server, cancellationToken))];
        await Task.WhenAll(connecting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        List<Task> confirmations = [.. connecting.Where(static connected => !connected.IsCompletedSuccessfully)];
        List<SubscriberLink> leftOver = [];
        lock (_gate)
        {
            _addressing = addressing;
            foreach ((EndPoint server, ProbedLink link) in _links)
            {
                if (!addressing.Map.Servers.Contains(server))
                {
                    leftOver.Add(link.Link);
                }
                else if (link.Channel is null || !server.Equals(addressing.OwnerOf(link.Channel)))
                {
                    link.Channel = addressing.ProbeChannelAt(server);
                    confirmations.Add(link.Link.SubscribeAsync(SubscribeVerb, link.Channel));
                }
            }

            foreach (ChannelSubscription subscription in _wanted.Values)
            {
                confirmations.Add(AskInsideLock(subscription)
                    ?? Task.FromException(new LinkRefusedException($"No server has the slot of {subscription.Channel}.")));
            }
        }

        // Channels that moved to other servers are requested there already; what still arrives here is not delivered twice, as the
        // reader compares the link with that of the channel.
        leftOver.ForEach(static link => link.Dispose());
        using RunningTimeout timeout = new(settings.ConnectTimeout, time);
        await timeout.WaitAsync(Task.WhenAll(confirmations), cancellationToken);
    }

    public void Dispose()
    {
        ProbedLink[] links;
        lock (_gate)
        {
            _isDisposed = true;
            links = [.. _links.Values];
        }

        foreach (ProbedLink link in links)
        {
            link.Link.Dispose();
        }
    }

    public void OnBatchBegins() => target.OnBatchBegins();

    public void OnBatchEnded() => target.OnBatchEnded();

    public void OnMessage(SubscriberLink link, ReadOnlySpan<byte> channel, ReadOnlySpan<byte> payload)
    {
        Span<char> name = channel.Length <= 512 ? stackalloc char[channel.Length] : new char[channel.Length];
        name = name[..System.Text.Encoding.UTF8.GetChars(channel, name)];
        if (_wanted.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out ChannelSubscription? subscription))
        {
            // For a moment a slot that has just moved may still deliver on the old link too.
            if (ReferenceEquals(subscription.Link, link))
            {
                target.OnAnnouncement(subscription, payload.ToArray());
            }

            return;
        }

        FieldReader reader = new(payload.ToArray());
        if (Announcement.TryBegin(ref reader, out AnnouncementKind kind)
            && kind == AnnouncementKind.Probe && reader.TryReadInt64(out long number))
        {
            FindLink(link)?.OnProbe(number);
        }
    }

    public void OnDropped(SubscriberLink link, string channel)
    {
        lock (_gate)
        {
            if (!_wanted.TryGetValue(channel, out ChannelSubscription? subscription) || !ReferenceEquals(subscription.Link, link))
            {
                return;
            }

            subscription.Link = null;
            subscription.Confirmation = null;
        }

        target.OnDisturbed($"Redis ended the subscription to {channel}.", null);
    }

    public void OnDown(SubscriberLink link, Exception reason)
    {
        ProbedLink? probed = null;
        lock (_gate)
        {
            if (_links.TryGetValue(link.EndPoint, out ProbedLink? found) && ReferenceEquals(found.Link, link))
            {
                probed = found;
                _links.Remove(link.EndPoint);
            }

            foreach (ChannelSubscription subscription in _wanted.Values)
            {
                if (ReferenceEquals(subscription.Link, link))
                {
                    subscription.Link = null;
                    subscription.Confirmation = null;
                }
            }
        }

        if (probed is not null)
        {
            probed.OnDown(reason);
            target.OnDisturbed($"The link to {link.EndPoint} is down.", reason);
        }
    }

    private string SubscribeVerb => _addressing is { IsSharded: true } ? "SSUBSCRIBE" : "SUBSCRIBE";

    private string UnsubscribeVerb => _addressing is { IsSharded: true } ? "SUNSUBSCRIBE" : "UNSUBSCRIBE";

    private async Task ConnectAsync(EndPoint server, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_links.ContainsKey(server))
            {
                return;
            }
        }

        SubscriberLink link = await SubscriberLink.ConnectAsync(server, settings, this, time, cancellationToken);
        bool isLate;
        lock (_gate)
        {
            isLate = _isDisposed;
            if (!isLate)
            {
                _links.Add(server, new ProbedLink(link));
            }
        }

        // It may have broken before it was added here, and then the target was not notified.
        if (isLate || link.IsDown)
        {
            link.Dispose();
            OnDown(link, new LinkRefusedException("The link broke directly after connecting."));
            throw new LinkRefusedException($"The link to {server} broke directly after connecting.");
        }
    }

    private Task? AskInsideLock(ChannelSubscription subscription)
    {
        if (_addressing?.OwnerOf(subscription.Channel) is not { } server || !_links.TryGetValue(server, out ProbedLink? probed))
        {
            return null;
        }

        if (!ReferenceEquals(subscription.Link, probed.Link) || subscription.Confirmation is null or { IsFaulted: true })
        {
            subscription.Link = probed.Link;
            subscription.Confirmation = ConfirmAsync(probed.Link.SubscribeAsync(SubscribeVerb, subscription.Channel), subscription);
        }

        return subscription.Confirmation;
    }

    private async Task ConfirmAsync(Task answer, ChannelSubscription subscription)
    {
        try
        {
            await answer;
        }
        catch (LinkRefusedException error)
        {
            target.OnDisturbed($"Redis refused the subscription to {subscription.Channel}.", error);
            throw;
        }
    }

    private ProbedLink? FindLink(SubscriberLink link)
    {
        lock (_gate)
        {
            return _links.TryGetValue(link.EndPoint, out ProbedLink? probed) && ReferenceEquals(probed.Link, link) ? probed : null;
        }
    }
}
