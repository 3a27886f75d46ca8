using System.Buffers;
using System.Text.Json;
using Weir.Protocols.Centrifugo.Protocol;
using Weir.Relay;
using Weir.Relay.Api;

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
        lock (_subscriptions)
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
                Batch().AddError(subscription.CommandId, ReplyError.Unrecoverable);
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
                Utf8JsonWriter json = Batch().BeginReply(subscription.CommandId);
                json.WritePropertyName("subscribe"u8);
                WriteSubscribed(json, subscription, recovery);
                Batch().EndLine();
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
        lock (_subscriptions)
        {
            if (subscription.State == ClientSubscription.Stage.Active)
            {
                audience.ShareInsideSession(subscription);
            }
        }
    }

    private async Task SubscribeAsync(ClientCommand command)
    {
        ClientSubscription subscription = new(this, command.Channel)
        {
            CommandId = command.Id,
            From = command.From,
            WantsJoins = command.JoinLeave,
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

    private async Task<List<ClientSubscription>> SubscribeToOwnAsync(Dictionary<string, StreamPosition>? positions)
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
        lock (_subscriptions)
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
        lock (_subscriptions)
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

    private void Unsubscribe(ClientCommand command)
    {
        ClientSubscription? subscription;
        lock (_subscriptions)
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

        ReplyEmpty(command.Id, "unsubscribe"u8);
    }

    private async ValueTask RefreshSubscriptionAsync(ClientCommand command)
    {
        ClientSubscription? subscription;
        lock (_subscriptions)
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

        lock (_subscriptions)
        {
            if (subscription.State == ClientSubscription.Stage.Active)
            {
                subscription.ExpiresAt = result.ExpiresAt;
                subscription.PlanExpiry(Hub.Node.Calendar, EndOf(result.ExpiresAt));
            }

            Utf8JsonWriter json = Batch().BeginReply(command.Id);
            json.WriteStartObject("sub_refresh"u8);
            WriteExpiry(json, result.ExpiresAt);
            json.WriteEndObject();
            EndLineInsideLock();
        }
    }

    // Returns true for the first caller, which ends it.
    private bool End(ClientSubscription subscription)
    {
        lock (_subscriptions)
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
        lock (_subscriptions)
        {
            if (!End(subscription))
            {
                return;
            }

            Utf8JsonWriter json = Batch().BeginLine();
            json.WriteStartObject("push"u8);
            json.WriteString("channel"u8, subscription.Channel);
            json.WriteStartObject("unsubscribe"u8);
            json.WriteNumber("code"u8, code);
            json.WriteString("reason"u8, reason);
            json.WriteEndObject();
            json.WriteEndObject();
            EndLineInsideLock();
        }
    }

    private bool IsSubscribed(string channel)
    {
        lock (_subscriptions)
        {
            return _subscriptions.TryGetValue(channel, out ClientSubscription? subscription)
                && subscription.State == ClientSubscription.Stage.Active;
        }
    }

    // Encoded once: it is the same for each publication of the client.
    private ReadOnlyMemory<byte> InfoIn(string channel)
    {
        ReadOnlyMemory<byte> inChannel = default;
        lock (_subscriptions)
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
                ApiAnswer.WriteMember(json, new RoomMember(Id, Identity.User, Identity.Info, roomInfo));
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

    private void WriteSubscribed(Utf8JsonWriter json, ClientSubscription subscription, Recovery recovery)
    {
        json.WriteStartObject();
        if (subscription.IsPositioned)
        {
            json.WriteBoolean("recoverable"u8, true);
            json.WriteBoolean("positioned"u8, true);
            json.WriteString("epoch"u8, recovery.Position.Epoch);

            // The missed publications lead from the client's position to the current one; the client counts them.
            json.WriteNumber("offset"u8, recovery.IsRecovered ? subscription.From!.Value.Offset : recovery.Position.Offset);
        }

        if (subscription.From is not null)
        {
            json.WriteBoolean("was_recovering"u8, true);
            if (recovery.IsRecovered)
            {
                json.WriteBoolean("recovered"u8, true);
                WritePublications(json, recovery.Publications);
            }
        }

        WriteExpiry(json, subscription.ExpiresAt);
        json.WriteEndObject();
    }

    private static void WritePublications(Utf8JsonWriter json, IReadOnlyList<Publication> publications)
    {
        json.WriteStartArray("publications"u8);
        foreach (Publication publication in publications)
        {
            PublicationFormat.Write(json, publication);
        }

        json.WriteEndArray();
    }
}
