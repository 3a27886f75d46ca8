using Weir.Relay;

namespace Weir.Host.Handlers;

/// <summary>
/// The relay: a client joins the rooms that its query names, <c>?room=R&amp;room=S</c>; every message goes verbatim to every
/// other member of each, on whatever node.
/// </summary>
internal sealed class RelayHandler(RelayNode relay) : WeirHandler
{
    public override ValueTask<UpgradeDecision> OnUpgradeAsync(UpgradeRequest request)
    {
        IReadOnlyList<string> names = request.GetQueryValues("room");
        RoomOptions limits = relay.Members.Options;
        return new(names.Count == 0 || names.Contains("")
            ? UpgradeDecision.Refuse(400, "Name at least one room: ?room=NAME.")
            : limits.MaxRoomsPerConnection > 0 && names.Count > limits.MaxRoomsPerConnection
            ? UpgradeDecision.Refuse(400, $"Name at most {limits.MaxRoomsPerConnection} rooms.")
            : !names.All(limits.Allows)
            ? UpgradeDecision.Refuse(400, $"The name of a room has at most {limits.MaxNameBytes} bytes.")
            : !names.All(relay.Allows)
            ? UpgradeDecision.Refuse(400, "A room of this name is the server's own.")
            : UpgradeDecision.Accept);
    }

    public override async ValueTask OnOpenedAsync(WeirConnection connection)
    {
        // All at once: what they wait for is one and the same broker.
        Task<LocalRoom?>[] joining =
        [
            .. connection.Request.GetQueryValues("room").Distinct(StringComparer.Ordinal)
                .Select(name => relay.JoinAsync(name, connection).AsTask()),
        ];
        try
        {
            await Task.WhenAll(joining);
        }
        finally
        {
            LocalRoom[] joined = [.. joining.Where(static join => join.IsCompletedSuccessfully).Select(static join => join.Result).OfType<LocalRoom>()];
            connection.State = joined.Length == 1 ? joined[0] : joined;
        }
    }

    public override ValueTask OnMessageAsync(WeirConnection connection, WeirMessage message)
        => connection.State is LocalRoom only
            ? relay.PublishAsync(only, message.Payload, message.Kind, connection)
            : PublishToAllAsync(connection, message);

    public override ValueTask OnClosedAsync(WeirConnection connection, WeirClosure closure)
    {
        LocalRoom[] joined = connection.State as LocalRoom[] ?? (connection.State is LocalRoom only ? [only] : []);
        foreach (LocalRoom room in joined)
        {
            relay.Leave(room, connection);
        }

        return ValueTask.CompletedTask;
    }

    private ValueTask PublishToAllAsync(WeirConnection connection, WeirMessage message)
    {
        LocalRoom[] rooms = (LocalRoom[])connection.State!;
        for (int i = 0; i < rooms.Length; i++)
        {
            ValueTask published = relay.PublishAsync(rooms[i], message.Payload, message.Kind, connection);
            if (!published.IsCompletedSuccessfully)
            {
                return PublishOnAsync(published, rooms, i + 1, connection, message);
            }
        }

        return ValueTask.CompletedTask;
    }

    private async ValueTask PublishOnAsync(ValueTask published, LocalRoom[] rooms, int next, WeirConnection connection, WeirMessage message)
    {
        await published;
        for (; next < rooms.Length; next++)
        {
            await relay.PublishAsync(rooms[next], message.Payload, message.Kind, connection);
        }
    }
}
