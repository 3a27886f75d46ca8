using Weir.Protocols.Centrifugo.Applications;
using Weir.Protocols.Centrifugo.Diagnostics;
using Weir.Protocols.Centrifugo.Protocol;
using Weir.Relay.Access;
using Weir.Relay.Brokers;
using Weir.Relay.Json;

namespace Weir.Protocols.Centrifugo.Sessions;

// Commands: one frame at a time, in order. Consecutive subscribes are requested concurrently.
internal abstract partial class ClientSession
{
    // A client waits this long in one timer before it fetches a new token: the maximum of a timer in .NET Framework, Java and
    // browsers is 32 bits of milliseconds, 24.8 days. A token that is valid for longer is refreshed early, and the reply has the
    // rest of its own lifetime.
    private const long LongestTtlSeconds = 24 * 24 * 60 * 60;

    /// <summary>Handles a frame; the next call must wait for its completion. Does not throw.</summary>
    public async ValueTask HandleAsync(ReadOnlyMemory<byte> frame)
    {
        if (frame.Span.SequenceEqual(Hub.Form.Ping.Span))
        {
            OnPong();
            return;
        }

        if (EndOf(Identity.ExpiresAt) <= Hub.Now)
        {
            Leave(DisconnectReason.Expired); // by the clock, whether or not the timer has fired
            return;
        }

        lock (_gate)
        {
            _framesInHand++;
        }

        List<Task>? subscribing = null;
        try
        {
            ReadOnlyMemory<byte> rest = frame;
            bool isWellFormed;
            while ((isWellFormed = Hub.Form.TryReadCommand(ref rest, out ClientCommand? command)) && command is not null && !_isLeaving)
            {
                bool isAllowed = AllowsByRate(command);
                if (isAllowed && command is SubscribeCommand { Id: > 0 } subscribe && IsOpen)
                {
                    (subscribing ??= []).Add(SubscribeAsync(subscribe));
                    continue;
                }

                await SettleAsync(subscribing).ConfigureAwait(false);
                ValueTask handling = isAllowed ? HandleAsync(command) : RefuseByRate(command);
                if (!handling.IsCompletedSuccessfully)
                {
                    Flush();
                    await handling.ConfigureAwait(false);
                }

                if (_stage == Stage.New)
                {
                    break; // not connected: the commands that follow depend on it
                }
            }

            await SettleAsync(subscribing).ConfigureAwait(false);
            if (!isWellFormed)
            {
                Leave(DisconnectReason.BadRequest);
            }
        }
        finally
        {
            lock (_gate)
            {
                _framesInHand--;
                FlushUnlessGatheringInsideLock();
            }
        }
    }

    private async ValueTask SettleAsync(List<Task>? subscribing)
    {
        if (subscribing is { Count: > 0 })
        {
            if (!subscribing.TrueForAll(static each => each.IsCompleted))
            {
                Flush();
            }

            await Task.WhenAll(subscribing).ConfigureAwait(false);
            subscribing.Clear();
        }
    }

    // A pong is not a command; its frame is counted like any other.
    private bool AllowsByRate(ClientCommand command)
        => _commands is null || command is EmptyCommand { Id: 0 } || _commands.AllowsMessage(Hub.CurrentRateTick);

    // A frame may have many commands, such as the subscribes of a client that reconnects: an SDK retries those automatically after
    // a temporary error, and a publisher is notified which of its publications were rejected.
    private ValueTask RefuseByRate(ClientCommand command)
    {
        if (command.Id > 0)
        {
            Reply(command.Id, ReplyError.TooManyRequests);
        }
        else
        {
            Leave(DisconnectReason.TooManyRequests);
        }

        return default;
    }

    private ValueTask HandleAsync(ClientCommand command)
    {
        if (command is MalformedCommand)
        {
            Reply(command.Id, ReplyError.BadRequest);
            return default;
        }

        if (command is ConnectCommand != (_stage == Stage.New))
        {
            Leave(DisconnectReason.BadRequest); // the first command, and only that, is a connect
            return default;
        }

        if (command.Id == 0 && command is not (EmptyCommand or SendCommand))
        {
            Leave(DisconnectReason.BadRequest);
            return default;
        }

        switch (command)
        {
            case PublishCommand publish:
                return PublishAsync(publish);
            case EmptyCommand { Id: 0 }:
                OnPong();
                return default;
            case EmptyCommand or UnknownCommand:
                Reply(command.Id, ReplyError.MethodNotFound);
                return default;
            case UnsubscribeCommand unsubscribe:
                Unsubscribe(unsubscribe);
                return default;
            default:
                return GuardAsync(command);
        }
    }

    private async ValueTask GuardAsync(ClientCommand command)
    {
        try
        {
            await ExecuteAsync(command).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            OnFailed(command, error);
        }
    }

    private ValueTask ExecuteAsync(ClientCommand command) => command switch
    {
        ConnectCommand connect => ConnectAsync(connect),
        RefreshCommand refresh => RefreshAsync(refresh),
        SubRefreshCommand refresh => RefreshSubscriptionAsync(refresh),
        PresenceCommand presence => ReadPresenceAsync(presence),
        PresenceStatsCommand stats => ReadPresenceStatsAsync(stats),
        HistoryCommand history => ReadHistoryAsync(history),
        RpcCommand rpc => CallAsync(rpc),
        SendCommand send => TakeMessageAsync(send),
        _ => throw new InvalidOperationException($"There is no handler for {command.GetType().Name}."),
    };

    private void OnFailed(ClientCommand command, Exception error)
    {
        if (error is BrokerUnavailableException)
        {
            CentrifugoLog.NotServed(Hub.Logger, error, Id, command.GetType().Name);
        }
        else
        {
            CentrifugoLog.CommandFailed(Hub.Logger, error, Id, command.GetType().Name);
        }

        if (command is ConnectCommand)
        {
            // It may have been executed in part.
            Leave(error is BrokerUnavailableException ? DisconnectReason.InternalBroker : DisconnectReason.Internal);
        }
        else if (command.Id > 0)
        {
            Reply(command.Id, ReplyError.Internal);
        }
    }

    private void OnPong()
    {
        if (!TakePong())
        {
            Leave(DisconnectReason.BadRequest);
        }
    }

    // ----- The connection -----

    private async ValueTask ConnectAsync(ConnectCommand command)
    {
        _stage = Stage.Connecting;
        ConnectResult result = await Hub.Access.ConnectAsync(_request!, command.Token, CancellationToken.None).ConfigureAwait(false);
        if (result.Identity is not { } identity)
        {
            Refuse(command.Id, result.Refusal);
            return;
        }

        Identity = identity;
        Hub.UserIndex.Add(this);
        List<ClientSubscription> own = await SubscribeToOwnAsync(command.Positions).ConfigureAwait(false);
        Expire(identity);
        CentrifugoLog.Connected(Hub.Logger, Id);
        lock (_gate)
        {
            if (_stage == Stage.Closed)
            {
                return;
            }

            BatchInsideLock().AddConnect(command.Id, new ConnectReply(
                Id,
                Hub.Version,
                TtlOf(identity.ExpiresAt),
                PingSeconds: (long)Math.Min(Math.Ceiling(PingInterval.TotalSeconds), LongestTtlSeconds),
                ExpectsPong,
                Address,
                own.ConvertAll(subscription => (subscription.Channel, ReplyOf(subscription, subscription.Began!)))));
            own.ForEach(static subscription => subscription.Began = null);
            if (own.Count > 0)
            {
                FlushInsideLock(); // pushes of channels follow, on another path
            }

            while (_held is not null && _held.TryDequeue(out EncodedPush? push))
            {
                SendInsideLock(push);
            }

            _held = null;
            _stage = Stage.Open;
            FlushUnlessGatheringInsideLock();
        }
    }

    private void Refuse(uint id, AccessRefusal refusal)
    {
        if (EndOf(refusal) is { } end)
        {
            Leave(end);
            return;
        }

        // The client may retry, on this connection or a new one.
        Reply(id, refusal == AccessRefusal.Expired ? ReplyError.TokenExpired : ReplyError.Internal);
        _stage = Stage.New;
    }

    // The reason of a permanent refusal; null if the client may succeed later or with another token.
    private static DisconnectReason? EndOf(AccessRefusal refusal) => refusal switch
    {
        AccessRefusal.Missing or AccessRefusal.Invalid => DisconnectReason.InvalidToken,
        AccessRefusal.Denied => DisconnectReason.PermissionDenied,
        _ => null,
    };

    private async ValueTask RefreshAsync(RefreshCommand command)
    {
        DateTimeOffset? expiresAt = null;
        if (_request is not null) // otherwise it never expires
        {
            ConnectResult result = await Hub.Access.ConnectAsync(_request, command.Token, CancellationToken.None).ConfigureAwait(false);
            if (result.Identity is not { } identity)
            {
                // An SDK treats an error here as permanent; after Expired it reconnects.
                if ((result.Refusal == AccessRefusal.Expired ? DisconnectReason.Expired : EndOf(result.Refusal)) is { } end)
                {
                    Leave(end);
                }
                else
                {
                    Reply(command.Id, ReplyError.Internal);
                }

                return;
            }

            if (identity.User != Identity.User)
            {
                Leave(DisconnectReason.InvalidToken); // another user
                return;
            }

            identity.TakeOver(Identity);
            Identity = identity;
            Expire(identity);
            expiresAt = identity.ExpiresAt;
        }

        lock (_gate)
        {
            BatchInsideLock().AddRefresh(command.Id, Id, Hub.Version, TtlOf(expiresAt));
            FlushUnlessGatheringInsideLock();
        }
    }

    private void Expire(ClientIdentity identity)
    {
        _request = identity.ExpiresAt is null ? null : _request;
        PlanClose(EndOf(identity.ExpiresAt), DisconnectReason.Expired);
    }

    // When the rights of a token end: after the grace period in which the client may still send a new one.
    private DateTimeOffset? EndOf(DateTimeOffset? expiresAt)
        => expiresAt is not { } end ? null
            : end > DateTimeOffset.MaxValue - Hub.Settings.ExpiryGrace ? DateTimeOffset.MaxValue
            : end + Hub.Settings.ExpiryGrace;

    private long? TtlOf(DateTimeOffset? expiresAt)
        => expiresAt is { } end ? (long)Math.Clamp(Math.Ceiling((end - Hub.Now).TotalSeconds), 1, LongestTtlSeconds) : null;

    // ----- Publications -----

    private ValueTask PublishAsync(PublishCommand command)
    {
        ReplyError? error = command.Channel.Length == 0 || command.Data.IsEmpty ? ReplyError.BadRequest
            : !Hub.Relay.Allows(command.Channel) ? ReplyError.UnknownChannel
            : !Hub.Access.MayPublish(Identity, command.Channel) ? ReplyError.PermissionDenied
            : null;
        if (error is not null)
        {
            Reply(command.Id, error);
            return default;
        }

        Publication publication = new() { Data = command.Data.ToArray(), Info = InfoIn(command.Channel) };
        ValueTask<Task<StreamPosition>> beginning = Hub.Relay.BeginPublishAsync(command.Channel, publication);
        return beginning.IsCompletedSuccessfully ? AnswerPublish(command, beginning.Result) : PublishSlowlyAsync(command, beginning);
    }

    private async ValueTask PublishSlowlyAsync(PublishCommand command, ValueTask<Task<StreamPosition>> beginning)
    {
        try
        {
            await AnswerPublish(command, await beginning.ConfigureAwait(false)).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            OnFailed(command, error);
        }
    }

    // The client's next command does not wait until the publication is stored.
    private ValueTask AnswerPublish(PublishCommand command, Task<StreamPosition> storing)
    {
        if (storing.IsCompletedSuccessfully)
        {
            ReplyToPublish(command.Id);
        }
        else
        {
            _ = AnswerWhenStoredAsync(command, storing);
        }

        return default;
    }

    private void ReplyToPublish(uint id)
    {
        lock (_gate)
        {
            BatchInsideLock().AddPublish(id);
            FlushUnlessGatheringInsideLock();
        }
    }

    private async Task AnswerWhenStoredAsync(PublishCommand command, Task<StreamPosition> storing)
    {
        try
        {
            await storing.ConfigureAwait(false);
            ReplyToPublish(command.Id);
        }
        catch (Exception error)
        {
            OnFailed(command, error);
        }
    }

    private async ValueTask ReadHistoryAsync(HistoryCommand command)
    {
        RoomRule rule = Hub.Relay.RuleOf(command.Channel);
        ReplyError? error = await WhyNotReadAsync(command.Channel, rule.KeepsHistory).ConfigureAwait(false);
        if (error is not null)
        {
            Reply(command.Id, error);
            return;
        }

        int most = Hub.Settings.MaxPublicationsPerReply;
        HistoryQuery query = new(command.Since, command.Limit < 0 ? most : Math.Min(command.Limit, most), command.Reverse);
        RoomHistory history = await Hub.Relay.Broker.ReadHistoryAsync(command.Channel, query, rule, CancellationToken.None)
            .ConfigureAwait(false);
        if (command.Since is { Epoch.Length: > 0 } asked && asked.Epoch != history.Top.Epoch && !history.Holds(asked))
        {
            Reply(command.Id, ReplyError.Unrecoverable);
            return;
        }

        lock (_gate)
        {
            BatchInsideLock().AddHistory(command.Id, history);
            FlushUnlessGatheringInsideLock();
        }
    }

    // ----- Presence -----

    private async ValueTask ReadPresenceAsync(PresenceCommand command)
    {
        if (await ReadMembersAsync(command.Id, command.Channel).ConfigureAwait(false) is { } members)
        {
            lock (_gate)
            {
                BatchInsideLock().AddPresence(command.Id, members);
                FlushUnlessGatheringInsideLock();
            }
        }
    }

    private async ValueTask ReadPresenceStatsAsync(PresenceStatsCommand command)
    {
        if (await ReadMembersAsync(command.Id, command.Channel).ConfigureAwait(false) is { } members)
        {
            lock (_gate)
            {
                BatchInsideLock().AddPresenceStats(command.Id, members);
                FlushUnlessGatheringInsideLock();
            }
        }
    }

    // Returns null after an error has been replied.
    private async ValueTask<IReadOnlyList<RoomMember>?> ReadMembersAsync(uint id, string channel)
    {
        ReplyError? error = await WhyNotReadAsync(channel, Hub.Relay.RuleOf(channel).Presence).ConfigureAwait(false);
        if (error is not null)
        {
            Reply(id, error);
            return null;
        }

        return await Hub.Relay.Broker.ReadPresenceAsync(channel, CancellationToken.None).ConfigureAwait(false);
    }

    // The right to subscribe to a channel includes its history and presence.
    private async ValueTask<ReplyError?> WhyNotReadAsync(string channel, bool isKept)
    {
        if (channel.Length == 0)
        {
            return ReplyError.BadRequest;
        }

        if (!Hub.Relay.Allows(channel))
        {
            return ReplyError.UnknownChannel;
        }

        if (!IsSubscribed(channel)
            && await Hub.Access.SubscribeAsync(Identity, channel, token: null, CancellationToken.None).ConfigureAwait(false)
                is { IsAllowed: false })
        {
            return ReplyError.PermissionDenied;
        }

        return isKept ? null : ReplyError.NotAvailable;
    }

    // ----- RPCs and messages for the application -----

    private async ValueTask CallAsync(RpcCommand command)
    {
        if (Hub.Application is not { } application)
        {
            Reply(command.Id, ReplyError.NotAvailable);
            return;
        }

        RpcReply reply = await application.OnRpcAsync(this, command.Method, command.Data).ConfigureAwait(false);
        if (reply.Error is { } error)
        {
            Reply(command.Id, error);
            return;
        }

        if (reply.Data.Length > 0 && !JsonText.IsValid(reply.Data.Span))
        {
            throw new InvalidOperationException("The application's reply to an RPC is not JSON.");
        }

        lock (_gate)
        {
            BatchInsideLock().AddRpc(command.Id, reply.Data);
            FlushUnlessGatheringInsideLock();
        }
    }

    private ValueTask TakeMessageAsync(SendCommand command) => Hub.Application?.OnMessageAsync(this, command.Data) ?? default;
}
