using Weir.Closing;
using Weir.Connections;
using Weir.Handshake;
using Weir.Host.Features.Auth;
using Weir.Relay.Access;
using Weir.Relay.Nodes;
using Weir.Relay.Rooms;

namespace Weir.Host.Features.Rooms;

/// <summary>
/// The relay: a client joins the rooms that its query names, <c>?room=R&amp;room=S</c>; every message is sent verbatim
/// to every other member, on any node, of each room that the client may publish to.
/// </summary>
internal sealed class RelayHandler(RelayNode relay, AccessResponses responses) : WeirHandler
{
    public override async ValueTask<UpgradeDecision> OnUpgradeAsync(UpgradeRequest request)
    {
        RoomAdmission admission = await RoomAdmission.EvaluateAsync(responses.Access, relay, request, CancellationToken.None);
        return admission.Complaint is { } complaint ? UpgradeDecision.Refuse(400, complaint)
            : admission.Refusal != AccessRefusal.None ? responses.Refuse(admission.Refusal)
            : UpgradeDecision.AcceptWith(admission);
    }

    public override async ValueTask OnOpenedAsync(WeirConnection connection)
    {
        RoomAdmission admission = (RoomAdmission)connection.State!;
        ClientIdentity identity = admission.Identity!;
        AccessResponses.CloseAt(connection, admission.ExpiresAt);

        // Concurrently: all of them wait for the same broker.
        Task<LocalRoom?>[] joining =
            [.. admission.Rooms.Select(room => relay.JoinAsync(room.Name, connection, identity, room.Info).AsTask())];
        try
        {
            await Task.WhenAll(joining);
        }
        finally
        {
            LocalRoom[] joined =
                [.. joining.Where(static join => join.IsCompletedSuccessfully).Select(static join => join.Result).OfType<LocalRoom>()];
            // Most clients are anonymous and in one room: only the room is stored for them.
            connection.State = joined.Length == 1 && identity == ClientIdentity.Anonymous ? joined[0] : new RelayMember(identity, joined);
        }
    }

    public override ValueTask OnMessageAsync(WeirConnection connection, WeirMessage message)
        => connection.State switch
        {
            LocalRoom only => Publish(ClientIdentity.Anonymous, only, connection, message),
            RelayMember { Rooms: [var only] } client => Publish(client.Identity, only, connection, message),
            var client => PublishToAll((RelayMember)client!, connection, message),
        };

    public override ValueTask OnClosedAsync(WeirConnection connection, WeirClosure closure)
    {
        LocalRoom[] joined = (connection.State as RelayMember)?.Rooms ?? (connection.State is LocalRoom only ? [only] : []);
        foreach (LocalRoom room in joined)
        {
            relay.Leave(room, connection);
        }

        return ValueTask.CompletedTask;
    }

    private ValueTask Publish(ClientIdentity identity, LocalRoom room, WeirConnection connection, in WeirMessage message)
    {
        if (responses.Access.MayPublish(identity, room.Name))
        {
            return relay.PublishAsync(room, message.Payload, message.Kind, connection);
        }

        connection.Close(AccessResponses.Forbidden, "forbidden", CloseCause.AccessDenied);
        return ValueTask.CompletedTask;
    }

    // A client may listen to some of its rooms and publish to others. One that may not publish to any of them is closed.
    private ValueTask PublishToAll(RelayMember client, WeirConnection connection, in WeirMessage message)
    {
        LocalRoom[] open = Array.FindAll(client.Rooms, room => responses.Access.MayPublish(client.Identity, room.Name));
        if (open.Length > 0)
        {
            return relay.PublishAsync(open, message.Payload, message.Kind, connection);
        }

        connection.Close(AccessResponses.Forbidden, "forbidden", CloseCause.AccessDenied);
        return ValueTask.CompletedTask;
    }
}
