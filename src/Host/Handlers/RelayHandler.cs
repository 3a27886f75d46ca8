using Weir.Relay;

namespace Weir.Host.Handlers;

/// <summary>
/// The relay: a client joins the rooms that its query names, <c>?room=R&amp;room=S</c>; every message goes verbatim to every
/// other member of each that it may publish to, on whatever node.
/// </summary>
internal sealed class RelayHandler(RelayNode relay, Door door) : WeirHandler
{
    public override async ValueTask<UpgradeDecision> OnUpgradeAsync(UpgradeRequest request)
    {
        RoomAdmission admission = await RoomAdmission.JudgeAsync(door.Access, relay, request, CancellationToken.None);
        return admission.Complaint is { } complaint ? UpgradeDecision.Refuse(400, complaint)
            : admission.Refusal != AccessRefusal.None ? door.Refuse(admission.Refusal)
            : UpgradeDecision.AcceptWith(admission);
    }

    public override async ValueTask OnOpenedAsync(WeirConnection connection)
    {
        RoomAdmission admission = (RoomAdmission)connection.State!;
        ClientIdentity identity = admission.Identity!;
        Door.CloseAt(connection, admission.ExpiresAt);

        // All at once: what they wait for is one and the same broker.
        Task<LocalRoom?>[] joining = [.. admission.Rooms.Select(room => relay.JoinAsync(room.Name, connection, identity, room.Info).AsTask())];
        try
        {
            await Task.WhenAll(joining);
        }
        finally
        {
            LocalRoom[] joined = [.. joining.Where(static join => join.IsCompletedSuccessfully).Select(static join => join.Result).OfType<LocalRoom>()];
            // Most are strangers in one room: of them nothing is kept but that.
            connection.State = joined.Length == 1 && identity == ClientIdentity.Anonymous ? joined[0] : new RelayClient(identity, joined);
        }
    }

    public override ValueTask OnMessageAsync(WeirConnection connection, WeirMessage message)
        => connection.State switch
        {
            LocalRoom only => Publish(ClientIdentity.Anonymous, only, connection, message),
            RelayClient { Rooms: [var only] } client => Publish(client.Identity, only, connection, message),
            var client => PublishToAll((RelayClient)client!, connection, message),
        };

    public override ValueTask OnClosedAsync(WeirConnection connection, WeirClosure closure)
    {
        LocalRoom[] joined = (connection.State as RelayClient)?.Rooms ?? (connection.State is LocalRoom only ? [only] : []);
        foreach (LocalRoom room in joined)
        {
            relay.Leave(room, connection);
        }

        return ValueTask.CompletedTask;
    }

    private ValueTask Publish(ClientIdentity identity, LocalRoom room, WeirConnection connection, in WeirMessage message)
    {
        if (door.Access.MayPublish(identity, room.Name))
        {
            return relay.PublishAsync(room, message.Payload, message.Kind, connection);
        }

        connection.Close(Door.Forbidden, "forbidden");
        return ValueTask.CompletedTask;
    }

    // A client may listen to some of its rooms and publish to others. If it may publish to none it is refused.
    private ValueTask PublishToAll(RelayClient client, WeirConnection connection, in WeirMessage message)
    {
        LocalRoom[] open = Array.FindAll(client.Rooms, room => door.Access.MayPublish(client.Identity, room.Name));
        if (open.Length > 0)
        {
            return relay.PublishAsync(open, message.Payload, message.Kind, connection);
        }

        connection.Close(Door.Forbidden, "forbidden");
        return ValueTask.CompletedTask;
    }
}
