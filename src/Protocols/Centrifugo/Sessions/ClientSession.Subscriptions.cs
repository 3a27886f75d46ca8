using System.Buffers;
using System.Text.Json;
using Weir.Protocols.Centrifugo.Protocol;
using Weir.Relay.Access;
using Weir.Relay.Brokers;
using Weir.Relay.Json;
using Weir.Relay.Rooms;

namespace Weir.Protocols.Centrifugo.Sessions;

// Channels. A subscription is in the dictionary from its request until the first caller ends it.
internal abstract partial class ClientSession
{
    private const int SubscriptionExpired = 2501;
    private const int InsufficientState = 2500;

    private byte[]? _info;

    /// <summary>Begins a subscription, in its room's order.</summary>
    public void OnSubscribed(ClientSubscription subscription, ChannelAudience audience, Recovery recovery)
    {
        lock (_gate)
        {
            if (subscription.State != ClientSubscription.Stage.Pending)
            {
                return;
            }

            if (recovery.Publications.Count > Hub.Settings.MaxPublicationsPerReply)
            {
                recovery = recovery with { IsRecovered = false, Publications = [] };
            }

            if (subscription is { From: not null, RejectsUnrecovered: true } && !recovery.IsRecovered)
            {
                BatchInsideLock().AddError(subscription.CommandId, ReplyError.Unrecoverable);
                FlushUnlessGatheringInsideLock();
                return;
            }

            subscription.IsPositioned = recovery.Position.Epoch.Length > 0;
            if (subscription.IsServerSide)
            {
                subscription.Began = recovery; // written into the reply to the connect
            }
            else
            {
                BatchInsideLock().AddSubscribe(subscription.CommandId, ReplyOf(subscription, recovery));
                FlushInsideLock(); // with all replies before it, since pushes take another path
            }

            subscription.State = ClientSubscription.Stage.Active;
            subscription.Audience = audience;
            subscription.PlanExpiry(Hub.Node.Calendar, EndOf(subscription.ExpiresAt));
            audience.Add(subscription);
            if (audience.Room.Rule.Presence)
            {
                Hub.Relay.SetPresence(audience.Room, new RoomMember(Id, Identity.User, Identity.Info, subscription.Info));
            }
        }
    }

    /// <summary>Publications of a channel are lost, and more follow: a positioned subscription must begin anew.</summary>
    public void OnPositionLost(ClientSubscription subscription)
    {
        if (!subscription.IsPositioned)
        {
            return;
        }

        if (subscription.IsServerSide)
        {
            Leave(DisconnectReason.InsufficientState);
        }
        else
        {
            EndWithPush(subscription, InsufficientState, "insufficient state");
        }
    }

    /// <summary>Ends a subscription whose right has expired without a new token from the client.</summary>
    public void OnSubscriptionExpired(ClientSubscription subscription)
    {
        if (EndOf(subscription.ExpiresAt) <= Hub.Now)
        {
            EndWithPush(subscription, SubscriptionExpired, "subscription expired");
        }
    }

    /// <summary>Moves a subscription to the shared frames of its channel, after the reply to the connect.</summary>
    public void MoveOver(ChannelAudience audience, ClientSubscription subscription)
    {
        lock (_gate)
        {
            if (subscription.State == ClientSubscription.Stage.Active)
            {
                audience.ShareInsideSession(subscription);
            }
        }
    }

    private async Task SubscribeAsync(SubscribeCommand command)
    {
        ClientSubscription subscription = new(this, command.Channel)
        {
            CommandId = command.Id,
            From = command.From,
            ReceivesJoins = command.JoinLeave,
            RejectsUnrecovered = command.RejectsUnrecovered,
        };
        try
        {
            ReplyError? error = TryAdd(subscription);
            if (error is not null)
            {
                Reply(command.Id, error);
                return;
            }

            RoomAccessResult result = await Hub.Access.SubscribeAsync(Identity, command.Channel, command.Token, CancellationToken.None)
                .ConfigureAwait(false);
            if (!result.IsAllowed)
            {
                End(subscription);
                Reply(command.Id, ErrorOf(result.Refusal, ReplyError.TokenExpired));
                return;
            }

            subscription.Info = result.Info;
            subscription.ExpiresAt = result.ExpiresAt;
            await EnterAsync(subscription).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            End(subscription);
            OnFailed(command, error);
        }
    }

    private async Task<List<ClientSubscription>> SubscribeToOwnAsync(IReadOnlyDictionary<string, StreamPosition>? positions)
    {
        List<ClientSubscription> own = [];
        foreach (string room in Identity.Rooms.Where(Hub.Relay.Allows).Distinct(StringComparer.Ordinal))
        {
            ClientSubscription subscription = new(this, room)
            {
                From = positions is not null && positions.TryGetValue(room, out StreamPosition position) ? position : null,
            };
            if (TryAdd(subscription) is null)
            {
                own.Add(subscription);
            }
        }

        await Task.WhenAll(own.Select(EnterAsync)).ConfigureAwait(false);
        return own.FindAll(static each => each.Began is not null);
    }

    private async Task EnterAsync(ClientSubscription subscription)
    {
        LocalRoom room = await Hub.Relay.SubscribeAsync(
            subscription.Channel, Hub, subscription, subscription.From, CancellationToken.None).ConfigureAwait(false);
        bool isIn;
        lock (_gate)
        {
            isIn = subscription.Audience is not null;
        }

        if (!isIn)
        {
            Hub.Relay.Unsubscribe(room); // cancelled meanwhile, or rejected because it could not be recovered
            End(subscription);
        }
    }

    private ReplyError? TryAdd(ClientSubscription subscription)
    {
        if (subscription.Channel.Length == 0)
        {
            return ReplyError.BadRequest;
        }

        if (!Hub.Relay.Allows(subscription.Channel))
        {
            return ReplyError.UnknownChannel;
        }

        int most = Hub.Relay.Members.Options.MaxRoomsPerConnection;
        lock (_gate)
        {
            if (_subscriptions.ContainsKey(subscription.Channel))
            {
                return ReplyError.AlreadySubscribed;
            }

            if (most > 0 && _subscriptions.Count >= most)
            {
                return ReplyError.LimitExceeded;
            }

            _subscriptions.Add(subscription.Channel, subscription);
            return null;
        }
    }

    private void Unsubscribe(UnsubscribeCommand command)
    {
        ClientSubscription? subscription;
        lock (_gate)
        {
            _subscriptions.TryGetValue(command.Channel, out subscription);
        }

        if (command.Channel.Length == 0)
        {
            Reply(command.Id, ReplyError.BadRequest);
            return;
        }

        if (subscription is not null)
        {
            End(subscription);
        }

        lock (_gate)
        {
            BatchInsideLock().AddUnsubscribe(command.Id);
            FlushUnlessGatheringInsideLock();
        }
    }

    private async ValueTask RefreshSubscriptionAsync(SubRefreshCommand command)
    {
        ClientSubscription? subscription;
        lock (_gate)
        {
            _subscriptions.TryGetValue(command.Channel, out subscription);
        }

        if (subscription is null)
        {
            Reply(command.Id, ReplyError.PermissionDenied);
            return;
        }

        RoomAccessResult result = await Hub.Access.SubscribeAsync(Identity, command.Channel, command.Token, CancellationToken.None)
            .ConfigureAwait(false);
        if (!result.IsAllowed)
        {
            Reply(command.Id, ErrorOf(result.Refusal, ReplyError.Expired));
            return;
        }

        lock (_gate)
        {
            if (subscription.State == ClientSubscription.Stage.Active)
            {
                subscription.ExpiresAt = result.ExpiresAt;
                subscription.PlanExpiry(Hub.Node.Calendar, EndOf(result.ExpiresAt));
            }

            BatchInsideLock().AddSubRefresh(command.Id, TtlOf(result.ExpiresAt));
            FlushUnlessGatheringInsideLock();
        }
    }

    // Returns true for the first caller, which ends it.
    private bool End(ClientSubscription subscription)
    {
        lock (_gate)
        {
            if (subscription.State == ClientSubscription.Stage.Ended)
            {
                return false;
            }

            if (_subscriptions.GetValueOrDefault(subscription.Channel) == subscription)
            {
                _subscriptions.Remove(subscription.Channel);
            }

            subscription.State = ClientSubscription.Stage.Ended;
            subscription.PlanExpiry(Hub.Node.Calendar, end: null);
            if (subscription.Audience is { } audience)
            {
                audience.Remove(subscription);
                if (audience.Room.Rule.Presence)
                {
                    Hub.Relay.RemovePresence(audience.Room, Id);
                }

                Hub.Relay.Unsubscribe(audience.Room);
            }

            return true;
        }
    }

    private void EndWithPush(ClientSubscription subscription, int code, string reason)
    {
        lock (_gate)
        {
            if (!End(subscription))
            {
                return;
            }

            BatchInsideLock().AddUnsubscribePush(Hub.Form.Encode(subscription.Channel), code, reason);
            FlushUnlessGatheringInsideLock();
        }
    }

    private bool IsSubscribed(string channel)
    {
        lock (_gate)
        {
            return _subscriptions.TryGetValue(channel, out ClientSubscription? subscription)
                && subscription.State == ClientSubscription.Stage.Active;
        }
    }

    // Encoded once: it is the same for each publication of the client. In a room it is JSON, whatever the client's wire form.
    private ReadOnlyMemory<byte> InfoIn(string channel)
    {
        ReadOnlyMemory<byte> inChannel = default;
        lock (_gate)
        {
            if (_subscriptions.TryGetValue(channel, out ClientSubscription? subscription))
            {
                inChannel = subscription.Info;
            }
        }

        return inChannel.IsEmpty ? _info ??= Encode(default) : Encode(inChannel);

        byte[] Encode(ReadOnlyMemory<byte> roomInfo)
        {
            ArrayBufferWriter<byte> bytes = new();
            using (Utf8JsonWriter json = new(bytes))
            {
                PresenceJson.WriteMember(json, new RoomMember(Id, Identity.User, Identity.Info, roomInfo));
            }

            return bytes.WrittenSpan.ToArray();
        }
    }

    private static ReplyError ErrorOf(AccessRefusal refusal, ReplyError expired) => refusal switch
    {
        AccessRefusal.Expired => expired,
        AccessRefusal.Missing or AccessRefusal.Invalid or AccessRefusal.Denied => ReplyError.PermissionDenied,
        _ => ReplyError.Internal,
    };

    private SubscribeReply ReplyOf(ClientSubscription subscription, Recovery recovery)
    {
        // The missed publications lead from the client's position to the current one; the client counts them.
        StreamPosition position =
            recovery.IsRecovered ? recovery.Position with { Offset = subscription.From!.Value.Offset } : recovery.Position;
        return new SubscribeReply(
            subscription.IsPositioned ? position : null,
            WasRecovering: subscription.From is not null,
            Recovered: recovery.IsRecovered ? recovery.Publications : null,
            TtlOf(subscription.ExpiresAt));
    }
}
