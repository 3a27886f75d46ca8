using System.Diagnostics;
using Weir.Client.Centrifugo;
using Weir.Client.Events;
using Weir.Client.Reconnecting;
using Weir.Client.Timing;

namespace Weir.Client;

// How subscriptions follow the connection. The task that reads it puts events into their inboxes; the dispatcher calls the
// application's handlers.
public sealed partial class CentrifugoClient
{
    // Unsubscribe codes from here on permit the client to subscribe again.
    private const int MayResubscribe = 2500;

    void ISessionOwner.OnPush(ProtocolConnection session, ServerPush push)
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
            case PushKind.Publication or PushKind.Subscribe or PushKind.Unsubscribe when subscription is null:
                OnServerChannel(push);
                break;
            case PushKind.Publication:
                Deliver(subscription, push.Publication!);
                break;
            case PushKind.Join when subscription is { IsSubscribed: true }:
                Raise(subscription, new MemberJoined(push.Info!));
                break;
            case PushKind.Leave when subscription is { IsSubscribed: true }:
                Raise(subscription, new MemberLeft(push.Info!));
                break;
            case PushKind.Unsubscribe when subscription is not null:
                OnUnsubscribed(subscription, session, push);
                break;
        }
    }

    /// <summary>Recovers dropped publications once the application has read the inbox. Any thread.</summary>
    internal void CatchUp(Subscription subscription)
    {
        ProtocolConnection session;
        lock (_gate)
        {
            // Otherwise it will subscribe anyway, and recover from the same position.
            if (!subscription.IsBehind || subscription.State != SubscriptionState.Subscribed || _session is null)
            {
                return;
            }

            if (!subscription.IsRecoverable)
            {
                // Before IsBehind is reset: until then no other event is added, so there is space.
                subscription.Inbox.TryAdd(new PositionLost(subscription.Received));
                subscription.IsBehind = false;
                return;
            }

            // IsBehind stays set until the reply, so that no event of the old subscription moves the position.
            subscription.State = SubscriptionState.Subscribing;
            session = _session;
        }

        uint id = NextId();
        session.Send(new OwnCommand(id, CommandWriter.Channel(id, "unsubscribe"u8, subscription.Channel)));
        session.Watch(SubscribeAsync(subscription, session, TimeSpan.Zero));
    }

    /// <summary>Ends a subscription, here and at the server. Returns false if it had ended.</summary>
    internal bool Unsubscribe(Subscription subscription, int code, string reason)
    {
        ProtocolConnection? session;
        uint id = NextId();
        lock (_gate)
        {
            session = subscription.State == SubscriptionState.Ended ? null : _session;
            if (session is not null)
            {
                _leaving[subscription.Channel] = id;
            }
        }

        session?.Send(new OwnCommand(
            id, CommandWriter.Channel(id, "unsubscribe"u8, subscription.Channel), _ => OnLeft(subscription.Channel, id)));

        return End(subscription, code, reason, null, isByUser: true);
    }

    private void OnLeft(string channel, uint id)
    {
        lock (_gate)
        {
            if (_leaving.TryGetValue(channel, out uint last) && last == id)
            {
                _leaving.Remove(channel);
            }
        }
    }

    private bool End(Subscription subscription, int code, string reason, Exception? error, bool isByUser = false)
    {
        lock (_gate)
        {
            if (subscription.State == SubscriptionState.Ended)
            {
                return false;
            }

            subscription.State = SubscriptionState.Ended; // no event is added to the inbox from here on
            _subscriptions.Remove(subscription.Channel);
        }

        if (isByUser)
        {
            subscription.Inbox.Discard();
        }

        subscription.Inbox.Complete(new Unsubscribed(code, reason), error);
        return true;
    }

    // The connection has ended: its subscriptions wait for the next one.
    private void Interrupt(ProtocolConnection session)
    {
        List<Subscription> interrupted = [];
        lock (_gate)
        {
            if (_session != session)
            {
                return; // it was never connected
            }

            _session = null;
            _leaving.Clear();
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
            Raise(subscription, new Interrupted(0, "the connection was lost"));
        }
    }

    private async Task SubscribeAsync(Subscription subscription, ProtocolConnection session, TimeSpan delay)
    {
        await _options.TimeProvider.DelayAsync(delay, session.Over);
        if (session.Over.IsCancellationRequested)
        {
            return;
        }

        if (subscription.Options.GetToken is { } getToken && subscription.Token is null)
        {
            string? token;
            try
            {
                token = await TokenCall.AskAsync(
                    cancel => getToken(subscription.Channel, cancel), _options.TokenTimeout, _options.TimeProvider, session.Over);
            }
            catch (Exception error)
            {
                if (!session.Over.IsCancellationRequested)
                {
                    session.Watch(SubscribeAsync(subscription, session, subscription.Backoff.Next(null)));
                    Raise(subscription, new Interrupted(0, $"the token could not be got: {error.Message}"));
                }

                return;
            }

            if (token is null)
            {
                End(subscription, 0, "the callback returned no token", null);
                return;
            }

            subscription.Token = token;
        }

        lock (_gate)
        {
            if (_session != session || subscription.State != SubscriptionState.Subscribing)
            {
                return;
            }
        }

        uint id = NextId();
        ClientStreamPosition? since = subscription.Options.Recoverable || subscription.IsRecoverable ? subscription.Received : null;
        session.Send(new OwnCommand(
            id,
            CommandWriter.Subscribe(id, subscription.Channel, subscription.Token, subscription.Options.ToSettings(), since),
            reply => OnSubscribeAnswer(subscription, session, since, reply),
            () => session.Fail(new ConnectionEnd(EndKind.TimedOut) { Reason = $"no answer to subscribe to {subscription.Channel}" })));
    }

    private void OnSubscribeAnswer(Subscription subscription, ProtocolConnection session, ClientStreamPosition? since, Reply reply)
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
            session.Watch(RefreshAsync(subscription, session, subscription.Refreshes.After(result.TimeToLive)));
        }

        Resume(subscription, since, result, isLost: leftOut || (since is not null && !result.Recovered));
    }

    private void Resume(Subscription subscription, ClientStreamPosition? since, SubscribeResult result, bool isLost)
    {
        // Recovered: publications continue after our own position. Otherwise after the server's, which precedes its publications.
        ClientStreamPosition? from = since is { } known && result is { Recovered: true, Position: { } top }
            ? known with { Epoch = top.Epoch } : result.Position;
        if (isLost)
        {
            Raise(subscription, new PositionLost(since));
        }

        if (!Raise(subscription, new Subscribed(result.Recovered, from)))
        {
            return; // full: the position stays, and the emptied inbox triggers a new subscribe from there
        }

        foreach (ClientPublication publication in result.Publications)
        {
            Deliver(subscription, publication);
        }
    }

    private void OnSubscribeError(Subscription subscription, ProtocolConnection session, CommandError error)
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
        Raise(subscription, new Interrupted(error.Code, error.Message));
    }

    private void OnUnsubscribed(Subscription subscription, ProtocolConnection session, ServerPush push)
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

        // Not immediately: the server may do this to all subscribers of the channel.
        session.Watch(SubscribeAsync(subscription, session, subscription.Backoff.Next(null)));
        Raise(subscription, new Interrupted(push.Code, push.Reason));
    }

    private void Deliver(Subscription subscription, ClientPublication publication)
    {
        if (!subscription.IsSubscribed || subscription.IsBehind)
        {
            return; // recovered later
        }

        if (publication.Offset == 0 || subscription.Received is not { } position || publication.Offset > position.Offset)
        {
            Raise(subscription, new PublicationReceived(publication)); // otherwise it was received before
        }
    }

    /// <summary>
    /// Adds an event to the inbox and moves the position with it, before the application receives the event. Returns false if the
    /// inbox is full, which sets <see cref="Subscription.IsBehind"/>, or if the subscription has ended.
    /// </summary>
    private bool Raise(Subscription subscription, SubscriptionEvent what)
    {
        lock (_gate)
        {
            if (subscription.IsBehind || subscription.State == SubscriptionState.Ended)
            {
                return false;
            }

            if (subscription.Inbox.TryAdd(what))
            {
                subscription.Received = Subscription.After(subscription.Received, what);
                return true;
            }

            subscription.IsBehind = true;
        }

        // The inbox may have been emptied before IsBehind was set.
        if (subscription.Inbox.IsEmpty)
        {
            CatchUp(subscription);
        }

        return false;
    }

    private async Task RefreshAsync(Subscription subscription, ProtocolConnection session, TimeSpan delay)
    {
        Debug.Assert(subscription.Options.GetToken is not null);
        await _options.TimeProvider.DelayAsync(delay, session.Over);
        if (session.Over.IsCancellationRequested || !subscription.IsSubscribed)
        {
            return;
        }

        string? token;
        try
        {
            token = await TokenCall.AskAsync(
                cancel => subscription.Options.GetToken(subscription.Channel, cancel), _options.TokenTimeout, _options.TimeProvider,
                    session.Over);
        }
        catch (Exception)
        {
            // As for the connection's token: retry soon; at its end the server ends the subscription.
            session.Watch(RefreshAsync(subscription, session, Refreshes.AfterFailure));
            return;
        }

        subscription.Token = token;
        if (token is null)
        {
            Unsubscribe(subscription, 0, "the callback returned no token");
            return;
        }

        uint id = NextId();
        session.Send(new OwnCommand(
            id,
            CommandWriter.SubRefresh(id, subscription.Channel, token),
            reply => OnRefreshed(subscription, session, reply),
            () => session.Watch(RefreshAsync(subscription, session, Refreshes.AfterFailure))));
    }

    private void OnRefreshed(Subscription subscription, ProtocolConnection session, Reply reply)
    {
        if (reply.Error is { } error)
        {
            if (CentrifugoRules.IsTemporary(error.Code, error.IsTemporary))
            {
                session.Watch(RefreshAsync(subscription, session, Refreshes.AfterFailure));
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
            session.Watch(RefreshAsync(subscription, session, subscription.Refreshes.After(result.TimeToLive)));
        }
    }
}
