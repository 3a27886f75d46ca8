namespace Weir.Host.Handlers;

/// <summary>
/// The relay: a client joins the rooms that its query names, <c>?room=R&amp;room=S</c>; every message goes verbatim to every
/// other member of each.
/// </summary>
internal sealed class RelayHandler(RoomDirectory rooms) : WeirHandler
{
    public override ValueTask<UpgradeDecision> OnUpgradeAsync(UpgradeRequest request)
    {
        IReadOnlyList<string> names = request.GetQueryValues("room");
        RoomOptions limits = rooms.Options;
        return new(names.Count == 0 || names.Contains("")
            ? UpgradeDecision.Refuse(400, "Name at least one room: ?room=NAME.")
            : limits.MaxRoomsPerConnection > 0 && names.Count > limits.MaxRoomsPerConnection
            ? UpgradeDecision.Refuse(400, $"Name at most {limits.MaxRoomsPerConnection} rooms.")
            : !names.All(limits.Allows)
            ? UpgradeDecision.Refuse(400, $"The name of a room has at most {limits.MaxNameBytes} bytes.")
            : UpgradeDecision.Accept);
    }

    public override ValueTask OnOpenedAsync(WeirConnection connection)
    {
        List<Room> joined = [];
        foreach (string name in connection.Request.GetQueryValues("room").Distinct(StringComparer.Ordinal))
        {
            if (rooms.Join(name, connection) is { } room)
            {
                joined.Add(room);
            }
        }

        connection.State = joined.Count == 1 ? joined[0] : joined.ToArray();
        return ValueTask.CompletedTask;
    }

    public override ValueTask OnMessageAsync(WeirConnection connection, WeirMessage message)
    {
        if (connection.State is Room only)
        {
            only.Publish(message.Payload, message.Kind, except: connection);
            return ValueTask.CompletedTask;
        }

        foreach (Room room in (Room[])connection.State!)
        {
            room.Publish(message.Payload, message.Kind, except: connection);
        }

        return ValueTask.CompletedTask;
    }
}
