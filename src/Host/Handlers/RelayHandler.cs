using Weir.Relay;

namespace Weir.Host.Handlers;

/// <summary>
/// The relay: a client joins the rooms that its query names, <c>?room=R&amp;room=S</c>; every message goes verbatim to every
/// other member of each, on whatever node.
/// </summary>
internal sealed class RelayHandler(RelayNode relay) : WeirHandler
{
    public override ValueTask<UpgradeDecision> OnUpgradeAsync(UpgradeRequest request)
        => new(relay.ComplaintAbout(request.GetQueryValues("room")) is { } complaint ? UpgradeDecision.Refuse(400, complaint) : UpgradeDecision.Accept);

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

    private async ValueTask PublishToAllAsync(WeirConnection connection, WeirMessage message)
    {
        foreach (LocalRoom room in (LocalRoom[])connection.State!)
        {
            await relay.PublishAsync(room, message.Payload, message.Kind, connection);
        }
    }
}
