using System.Text.Json;
using Weir.Centrifugo.Diagnostics;
using Weir.Centrifugo.Protocol;
using Weir.Relay;
using Weir.Relay.Api;

namespace Weir.Centrifugo.Sessions;

// Commands: a frame of them at a time, in their order. Subscribes that stand together are asked for together.
internal abstract partial class Session
{
    // A client waits for so long in one timer before it asks for a new token: in .NET Framework, Java and browsers 32 bits of
    // milliseconds, 24.8 days, are the most that one carries. A token that is good for longer is refreshed early, which is
    // answered with what is left of its own time.
    private const long LongestTtlSeconds = 24 * 24 * 60 * 60;

    /// <summary>Handles a frame; the next one only when this has completed. Does not throw.</summary>
    public async ValueTask HandleAsync(ReadOnlyMemory<byte> frame)
    {
        if (frame.Span.SequenceEqual("{}"u8))
        {
            OnPong();
            return;
        }

        if (EndOf(Identity.ExpiresAt) <= Hub.Now)
        {
            Leave(Goodbye.Expired); // by the clock, whether or not the timer has had its turn
            return;
        }

        lock (_subscriptions)
        {
            _framesInHand++;
        }

        List<Task>? subscribing = null;
        try
        {
            CommandReader reader = new(frame);
            bool isWellFormed;
            while ((isWellFormed = reader.TryRead(out Command? command)) && command is not null && !_isLeaving)
            {
                bool isAllowed = AllowsByRate(command);
                if (isAllowed && command is { Method: Method.Subscribe, Id: > 0 } && IsOpen)
                {
                    (subscribing ??= []).Add(SubscribeAsync(command));
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
                    break; // not let in: what follows counted on it
                }
            }

            await SettleAsync(subscribing).ConfigureAwait(false);
            if (!isWellFormed)
            {
                Leave(Goodbye.BadRequest);
            }
        }
        finally
        {
            lock (_subscriptions)
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

    // A pong is no command; its frame counts as any.
    private bool AllowsByRate(Command command)
        => _commands is null || command is { Method: Method.None, Id: 0 } || _commands.AllowsMessage(Hub.CurrentRateTick);

    // A frame may have many commands, such as the subscribes of a client that comes back: an SDK tries those again by itself when the
    // error is temporary, and a publisher is told which of its publications were not taken.
    private ValueTask RefuseByRate(Command command)
    {
        if (command.Id > 0)
        {
            Reply(command.Id, ReplyError.TooManyRequests);
        }
        else
        {
            Leave(Goodbye.TooManyRequests);
        }

        return default;
    }

    private ValueTask HandleAsync(Command command)
    {
        if (command.Method == Method.Malformed)
        {
            Reply(command.Id, ReplyError.BadRequest);
            return default;
        }

        if (_stage == Stage.New ? command.Method != Method.Connect : command.Method == Method.Connect)
        {
            Leave(Goodbye.BadRequest); // the first command is a connect, and no other
            return default;
        }

        if (command.Id == 0 && command.Method is not (Method.None or Method.Send))
        {
            Leave(Goodbye.BadRequest);
            return default;
        }

        switch (command.Method)
        {
            case Method.Publish:
                return PublishAsync(command);
            case Method.None when command.Id == 0:
                OnPong();
                return default;
            case Method.None or Method.Unknown:
                Reply(command.Id, ReplyError.MethodNotFound);
                return default;
            case Method.Unsubscribe:
                Unsubscribe(command);
                return default;
            default:
                return GuardAsync(command);
        }
    }

    private async ValueTask GuardAsync(Command command)
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

    private ValueTask ExecuteAsync(Command command) => command.Method switch
    {
        Method.Connect => ConnectAsync(command),
        Method.Refresh => RefreshAsync(command),
        Method.SubRefresh => RefreshSubscriptionAsync(command),
        Method.Presence or Method.PresenceStats => ReadPresenceAsync(command),
        Method.History => ReadHistoryAsync(command),
        Method.Rpc => CallAsync(command),
        Method.Send => TakeMessageAsync(command),
        _ => throw new InvalidOperationException($"Nobody handles {command.Method}."),
    };

    private void OnFailed(Command command, Exception error)
    {
        if (error is BrokerUnavailableException)
        {
            CentrifugoLog.NotServed(Hub.Logger, error, Id, command.Method.ToString());
        }
        else
        {
            CentrifugoLog.CommandFailed(Hub.Logger, error, Id, command.Method.ToString());
        }

        if (command.Method == Method.Connect)
        {
            Leave(Goodbye.Internal); // half of it may be done
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
            Leave(Goodbye.BadRequest);
        }
    }

    // ----- The connection -----

    private async ValueTask ConnectAsync(Command command)
    {
        _stage = Stage.Connecting;
        ConnectVerdict verdict = await Hub.Access.ConnectAsync(_request!, command.Token, CancellationToken.None).ConfigureAwait(false);
        if (verdict.Identity is not { } identity)
        {
            Refuse(command.Id, verdict.Refusal);
            return;
        }

        Identity = identity;
        Hub.UserIndex.Add(this);
        List<ClientSubscription> own = await SubscribeToOwnAsync(command.Positions).ConfigureAwait(false);
        Expire(identity);
        CentrifugoLog.Connected(Hub.Logger, Id);
        lock (_subscriptions)
        {
            if (_stage == Stage.Closed)
            {
                return;
            }

            Utf8JsonWriter json = Batch().BeginReply(command.Id);
            json.WriteStartObject("connect"u8);
            json.WriteString("client"u8, Id);
            json.WriteString("version"u8, Hub.Version);
            WriteExpiry(json, identity.ExpiresAt);
            if (PingInterval > TimeSpan.Zero)
            {
                json.WriteNumber("ping"u8, (long)Math.Min(Math.Ceiling(PingInterval.TotalSeconds), LongestTtlSeconds));
                if (WantsPong)
                {
                    json.WriteBoolean("pong"u8, true);
                }
            }

            WriteSession(json);
            if (own.Count > 0)
            {
                json.WriteStartObject("subs"u8);
                foreach (ClientSubscription subscription in own)
                {
                    json.WritePropertyName(subscription.Channel);
                    WriteSubscribed(json, subscription, subscription.Began!);
                    subscription.Began = null;
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
            Batch().EndLine();
            if (own.Count > 0)
            {
                FlushInsideLock(); // what channels say follows, and takes another way
            }

            while (_held is not null && _held.TryDequeue(out Push? push))
            {
                SendInsideLock(push);
            }

            _held = null;
            _stage = Stage.Open;
            FlushUnlessGatheringInsideLock();
        }
    }

    /// <summary>Writes by what a client names its session, where it has to.</summary>
    protected virtual void WriteSession(Utf8JsonWriter json)
    {
    }

    private void Refuse(uint id, AccessRefusal refusal)
    {
        if (EndOf(refusal) is { } end)
        {
            Leave(end);
            return;
        }

        // The client may come again, on this connection or a new one.
        Reply(id, refusal == AccessRefusal.Expired ? ReplyError.TokenExpired : ReplyError.Internal);
        _stage = Stage.New;
    }

    // How a refusal ends a client for good; null: another token, or another time, may do.
    private static Goodbye? EndOf(AccessRefusal refusal) => refusal switch
    {
        AccessRefusal.Missing or AccessRefusal.Invalid => Goodbye.InvalidToken,
        AccessRefusal.Denied => Goodbye.PermissionDenied,
        _ => null,
    };

    private async ValueTask RefreshAsync(Command command)
    {
        DateTimeOffset? expiresAt = null;
        if (_request is not null) // else it never expires
        {
            ConnectVerdict verdict = await Hub.Access.ConnectAsync(_request, command.Token, CancellationToken.None).ConfigureAwait(false);
            if (verdict.Identity is not { } identity)
            {
                // An SDK takes an error here for the end of all; from Expired it comes back.
                if ((verdict.Refusal == AccessRefusal.Expired ? Goodbye.Expired : EndOf(verdict.Refusal)) is { } end)
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
                Leave(Goodbye.InvalidToken); // somebody else
                return;
            }

            identity.TakeOver(Identity);
            Identity = identity;
            Expire(identity);
            expiresAt = identity.ExpiresAt;
        }

        lock (_subscriptions)
        {
            Utf8JsonWriter json = Batch().BeginReply(command.Id);
            json.WriteStartObject("refresh"u8);
            json.WriteString("client"u8, Id);
            json.WriteString("version"u8, Hub.Version);
            WriteExpiry(json, expiresAt);
            json.WriteEndObject();
            EndLineInsideLock();
        }
    }

    private void Expire(ClientIdentity identity)
    {
        _request = identity.ExpiresAt is null ? null : _request;
        PlanClose(EndOf(identity.ExpiresAt), Goodbye.Expired);
    }

    // When what a token has given is taken back: after the time in which the client may still come with a new one.
    private DateTimeOffset? EndOf(DateTimeOffset? expiresAt)
        => expiresAt is not { } end ? null
            : end > DateTimeOffset.MaxValue - Hub.Options.ExpiryGrace ? DateTimeOffset.MaxValue
            : end + Hub.Options.ExpiryGrace;

    private void WriteExpiry(Utf8JsonWriter json, DateTimeOffset? expiresAt)
    {
        if (expiresAt is { } end)
        {
            json.WriteBoolean("expires"u8, true);
            json.WriteNumber("ttl"u8, (long)Math.Clamp(Math.Ceiling((end - Hub.Now).TotalSeconds), 1, LongestTtlSeconds));
        }
    }

    // ----- Publications -----

    private ValueTask PublishAsync(Command command)
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

    private async ValueTask PublishSlowlyAsync(Command command, ValueTask<Task<StreamPosition>> beginning)
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

    // The client's next command does not wait until it is stored.
    private ValueTask AnswerPublish(Command command, Task<StreamPosition> storing)
    {
        if (storing.IsCompletedSuccessfully)
        {
            ReplyEmpty(command.Id, "publish"u8);
        }
        else
        {
            _ = AnswerWhenStoredAsync(command, storing);
        }

        return default;
    }

    private async Task AnswerWhenStoredAsync(Command command, Task<StreamPosition> storing)
    {
        try
        {
            await storing.ConfigureAwait(false);
            ReplyEmpty(command.Id, "publish"u8);
        }
        catch (Exception error)
        {
            OnFailed(command, error);
        }
    }

    private async ValueTask ReadHistoryAsync(Command command)
    {
        RoomRule rule = Hub.Relay.RuleOf(command.Channel);
        ReplyError? error = await WhyNotReadAsync(command.Channel, rule.KeepsHistory).ConfigureAwait(false);
        if (error is not null)
        {
            Reply(command.Id, error);
            return;
        }

        int most = Hub.Options.MaxPublicationsPerReply;
        HistoryQuery query = new(command.Since, command.Limit < 0 ? most : Math.Min(command.Limit, most), command.Reverse);
        RoomHistory history = await Hub.Relay.Broker.ReadHistoryAsync(command.Channel, query, rule, CancellationToken.None).ConfigureAwait(false);
        if (command.Since is { Epoch.Length: > 0 } asked && asked.Epoch != history.Top.Epoch && !history.Holds(asked))
        {
            Reply(command.Id, ReplyError.Unrecoverable);
            return;
        }

        lock (_subscriptions)
        {
            Utf8JsonWriter json = Batch().BeginReply(command.Id);
            json.WriteStartObject("history"u8);
            WritePublications(json, history.Publications);
            json.WriteString("epoch"u8, history.Top.Epoch);
            json.WriteNumber("offset"u8, history.Top.Offset);
            json.WriteEndObject();
            EndLineInsideLock();
        }
    }

    // ----- Who is there -----

    private async ValueTask ReadPresenceAsync(Command command)
    {
        ReplyError? error = await WhyNotReadAsync(command.Channel, Hub.Relay.RuleOf(command.Channel).Presence).ConfigureAwait(false);
        if (error is not null)
        {
            Reply(command.Id, error);
            return;
        }

        IReadOnlyList<RoomMember> members = await Hub.Relay.Broker.ReadPresenceAsync(command.Channel, CancellationToken.None).ConfigureAwait(false);
        lock (_subscriptions)
        {
            Utf8JsonWriter json = Batch().BeginReply(command.Id);
            if (command.Method == Method.Presence)
            {
                json.WritePropertyName("presence"u8);
                ApiAnswer.WritePresence(json, members);
            }
            else
            {
                json.WritePropertyName("presence_stats"u8);
                ApiAnswer.WritePresenceStats(json, members);
            }

            EndLineInsideLock();
        }
    }

    // Who may listen to a channel may also know what it keeps.
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
            && await Hub.Access.SubscribeAsync(Identity, channel, token: null, CancellationToken.None).ConfigureAwait(false) is { IsAllowed: false })
        {
            return ReplyError.PermissionDenied;
        }

        return isKept ? null : ReplyError.NotAvailable;
    }

    // ----- The application's own -----

    private async ValueTask CallAsync(Command command)
    {
        if (Hub.Application is not { } application)
        {
            Reply(command.Id, ReplyError.NotAvailable);
            return;
        }

        RpcReply reply = await application.OnRpcAsync(this, command.Name, command.Data).ConfigureAwait(false);
        if (reply.Error is { } error)
        {
            Reply(command.Id, error);
            return;
        }

        if (reply.Data.Length > 0 && !JsonText.IsValid(reply.Data.Span))
        {
            throw new InvalidOperationException("What the application answers to an RPC is no JSON.");
        }

        lock (_subscriptions)
        {
            Utf8JsonWriter json = Batch().BeginReply(command.Id);
            json.WriteStartObject("rpc"u8);
            if (reply.Data.Length > 0)
            {
                json.WritePropertyName("data"u8);
                ApiAnswer.WriteOnOneLine(json, reply.Data.Span);
            }

            json.WriteEndObject();
            EndLineInsideLock();
        }
    }

    private ValueTask TakeMessageAsync(Command command) => Hub.Application?.OnMessageAsync(this, command.Data) ?? default;
}
