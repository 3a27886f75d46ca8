using System.Diagnostics;
using Weir.Client.Centrifugo;
using Weir.Client.Reconnecting;

namespace Weir.Client;

// What a connection means for subscriptions. Events are handed out by the task that reads the connection, outside the lock: a handler
// may call back into the client.
public sealed partial class CentrifugoClient
{
    // Pushed codes from here on mean that the client may subscribe again.
    private const int MayResubscribe = 2500;

    void ISessionOwner.OnPush(Session session, Push push)
    {
        if (push.Kind == PushKind.Message)
        {
            _inbox.TryAdd(new MessagePushed(push.Data));
            return;
        }

        Subscription? subscription;
        lock (_gate)
        {
            subscription = _subscriptions.GetValueOrDefault(push.Channel);
        }

        switch (push.Kind)
        {
            case PushKind.Publication when subscription is null:
                _inbox.TryAdd(new ServerPublished(push.Channel, push.Publication!));
                break;
            case PushKind.Publication:
                Deliver(subscription, push.Publication!);
                break;
            case PushKind.Join when subscription is { IsSubscribed: true }:
                Tell(subscription, new MemberJoined(push.Info!));
                break;
            case PushKind.Leave when subscription is { IsSubscribed: true }:
                Tell(subscription, new MemberLeft(push.Info!));
                break;
            case PushKind.Unsubscribe when subscription is not null:
                OnUnsubscribed(subscription, session, push);
                break;
        }
    }

    /// <summary>The user has read all there was: what was left out meanwhile is fetched now. Any thread.</summary>
    internal void CatchUp(Subscription subscription)
    {
        Session session;
        lock (_gate)
        {
            // If it does not stand, it will: from the same position, which is the same again.
            if (!subscription.IsBehind || subscription.State != SubscriptionState.Subscribed || _session is null)
            {
                return;
            }

            if (!subscription.IsRecoverable)
            {
                // Told first: as long as he is behind nobody else adds anything, and there is place.
                subscription.Inbox.TryAdd(new PositionLost(subscription.Position));
                subscription.IsBehind = false;
                return;
            }

            // Stays behind until the answer: nothing of the old subscription comes in between and moves the position.
            subscription.State = SubscriptionState.Subscribing;
            session = _session;
        }

        uint id = NextId();
        session.Send(new OwnCommand(id, CommandWriter.Channel(id, "unsubscribe"u8, subscription.Channel)));
        session.Watch(SubscribeAsync(subscription, session, TimeSpan.Zero));
    }

    internal void Unsubscribe(Subscription subscription, int code, string reason)
    {
        Session? session;
        lock (_gate)
        {
            session = subscription.State == SubscriptionState.Ended ? null : _session;
        }

        if (session is not null)
        {
            uint id = NextId();
            session.Send(new OwnCommand(id, CommandWriter.Channel(id, "unsubscribe"u8, subscription.Channel)));
        }

        End(subscription, code, reason, null);
    }

    private void End(Subscription subscription, int code, string reason, Exception? error)
    {
        lock (_gate)
        {
            if (subscription.State == SubscriptionState.Ended)
            {
                return;
            }

            subscription.State = SubscriptionState.Ended;
            _subscriptions.Remove(subscription.Channel);
        }

        subscription.Inbox.TryAdd(new Unsubscribed(code, reason));
        subscription.Inbox.Complete(error);
    }

    // The connection has ended: whatever stood on it waits for the next.
    private void Interrupt(Session session)
    {
        List<Subscription> interrupted = [];
        lock (_gate)
        {
            if (_session != session)
            {
                return; // it never came to be connected
            }

            _session = null;
            foreach (Subscription subscription in _subscriptions.Values)
            {
                if (subscription.State == SubscriptionState.Subscribed)
                {
                    subscription.State = SubscriptionState.Subscribing;
                    interrupted.Add(subscription);
                }
            }
        }

        foreach (Subscription subscription in interrupted)
        {
            Tell(subscription, new Interrupted(0, "the connection was lost"));
        }
    }

    private async Task SubscribeAsync(Subscription subscription, Session session, TimeSpan delay)
    {
        if (delay > TimeSpan.Zero)
        {
            await Task.Delay(delay, _options.TimeProvider, session.Over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (session.Over.IsCancellationRequested)
        {
            return;
        }

        if (subscription.Options.GetToken is { } getToken && subscription.Token is null)
        {
            try
            {
                subscription.Token = await getToken(subscription.Channel, session.Over);
            }
            catch (Exception error)
            {
                if (!session.Over.IsCancellationRequested)
                {
                    session.Watch(SubscribeAsync(subscription, session, subscription.Backoff.Next(null)));
                    Tell(subscription, new Interrupted(0, $"the token could not be got: {error.Message}"));
                }

                return;
            }

            if (subscription.Token is null)
            {
                End(subscription, 0, "the callback brought no token", null);
                return;
            }
        }

        lock (_gate)
        {
            if (_session != session || subscription.State != SubscriptionState.Subscribing)
            {
                return;
            }
        }

        uint id = NextId();
        StreamPosition? since = subscription.Options.Recoverable || subscription.IsRecoverable ? subscription.Position : null;
        session.Send(new OwnCommand(
            id,
            CommandWriter.Subscribe(id, subscription.Channel, subscription.Token, subscription.Options, since),
            reply => OnSubscribeAnswer(subscription, session, since, reply),
            () => session.Fail(new ConnectionEnd(EndKind.TimedOut) { Reason = $"no answer to subscribe to {subscription.Channel}" })));
    }

    private void OnSubscribeAnswer(Subscription subscription, Session session, StreamPosition? since, Reply reply)
    {
        if (reply.Error is { } error)
        {
            OnSubscribeError(subscription, session, error);
            return;
        }

        SubscribeResult result = ReplyReader.ReadSubscribe(reply.Result);
        bool leftOut;
        lock (_gate)
        {
            if (subscription.State != SubscriptionState.Subscribing)
            {
                return;
            }

            subscription.State = SubscriptionState.Subscribed;
            subscription.IsRecoverable = result.Recoverable;
            leftOut = subscription.IsBehind && since is null;
            subscription.IsBehind = false;
        }

        subscription.Backoff.Reset();
        if (result.Expires && subscription.Options.GetToken is not null)
        {
            session.Watch(RefreshAsync(subscription, session, result.TimeToLive));
        }

        Resume(subscription, since, result, isLost: leftOut || (since is not null && !result.Recovered));
    }

    private void Resume(Subscription subscription, StreamPosition? since, SubscribeResult result, bool isLost)
    {
        // Recovered: what follows begins behind our own position. Else: behind what the server says, which is before its publications.
        StreamPosition? from = since is { } known && result is { Recovered: true, Position: { } top } ? known with { Epoch = top.Epoch } : result.Position;
        if (isLost)
        {
            Tell(subscription, new PositionLost(since));
        }

        Tell(subscription, new Subscribed(result.Recovered, from));
        if (subscription.IsBehind)
        {
            return; // full: the position stays, and the inbox, when it is empty, has us subscribe again from there
        }

        subscription.Position = from;
        foreach (Publication publication in result.Publications)
        {
            Deliver(subscription, publication);
        }
    }

    private void OnSubscribeError(Subscription subscription, Session session, ReplyError error)
    {
        bool tokenIsBad = error.Code == CentrifugoRules.TokenExpired && subscription.Options.GetToken is not null;
        if (!tokenIsBad && !CentrifugoRules.IsTemporary(error.Code, error.IsTemporary))
        {
            End(subscription, error.Code, error.Message, null);
            return;
        }

        if (tokenIsBad)
        {
            subscription.Token = null;
        }

        session.Watch(SubscribeAsync(subscription, session, subscription.Backoff.Next(null)));
        Tell(subscription, new Interrupted(error.Code, error.Message));
    }

    private void OnUnsubscribed(Subscription subscription, Session session, Push push)
    {
        if (push.Code < MayResubscribe)
        {
            End(subscription, push.Code, push.Reason, null);
            return;
        }

        lock (_gate)
        {
            if (subscription.State != SubscriptionState.Subscribed)
            {
                return;
            }

            subscription.State = SubscriptionState.Subscribing;
        }

        // Not at once: the server may do this to everybody in the channel.
        session.Watch(SubscribeAsync(subscription, session, subscription.Backoff.Next(null)));
        Tell(subscription, new Interrupted(push.Code, push.Reason));
    }

    private void Deliver(Subscription subscription, Publication publication)
    {
        if (!subscription.IsSubscribed || subscription.IsBehind)
        {
            return; // recovered later
        }

        if (publication.Offset != 0 && subscription.Position is { } position)
        {
            if (publication.Offset <= position.Offset)
            {
                return; // it came before
            }

            Tell(subscription, new PublicationReceived(publication));
            if (!subscription.IsBehind)
            {
                subscription.Position = position with { Offset = publication.Offset };
            }
        }
        else
        {
            Tell(subscription, new PublicationReceived(publication));
        }
    }

    /// <summary>Hands an event to the user; if his inbox is full, notes that he is behind.</summary>
    private void Tell(Subscription subscription, SubscriptionEvent what)
    {
        if (subscription.IsBehind || subscription.Inbox.TryAdd(what))
        {
            return;
        }

        lock (_gate)
        {
            subscription.IsBehind = true;
        }

        // He may have read all of it before we said so.
        if (subscription.Inbox.IsEmpty)
        {
            CatchUp(subscription);
        }
    }

    private async Task RefreshAsync(Subscription subscription, Session session, TimeSpan timeToLive)
    {
        Debug.Assert(subscription.Options.GetToken is not null);
        await Task.Delay(RefreshAfter(timeToLive), _options.TimeProvider, session.Over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (session.Over.IsCancellationRequested || !subscription.IsSubscribed)
        {
            return;
        }

        try
        {
            subscription.Token = await subscription.Options.GetToken(subscription.Channel, session.Over);
        }
        catch (Exception)
        {
            // As for the connection's token: asked again soon, and at the end the server ends the subscription.
            session.Watch(RefreshAsync(subscription, session, _refreshAgain));
            return;
        }

        if (subscription.Token is not { } token)
        {
            Unsubscribe(subscription, 0, "the callback brought no token");
            return;
        }

        uint id = NextId();
        session.Send(new OwnCommand(id, CommandWriter.SubRefresh(id, subscription.Channel, token), reply =>
        {
            if (reply.Error is { } error)
            {
                if (CentrifugoRules.IsTemporary(error.Code, error.IsTemporary))
                {
                    session.Watch(RefreshAsync(subscription, session, _refreshAgain));
                }
                else
                {
                    Unsubscribe(subscription, error.Code, error.Message);
                }

                return;
            }

            SubscribeResult result = ReplyReader.ReadSubscribe(reply.Result);
            if (result.Expires)
            {
                session.Watch(RefreshAsync(subscription, session, result.TimeToLive));
            }
        }));
    }
}
