using Weir.Relay;

namespace Weir.Host.Handlers;

/// <summary>Sends every message back as it came: for measuring, and for checking a client.</summary>
internal sealed class EchoHandler(Door door) : WeirHandler
{
    public override async ValueTask<UpgradeDecision> OnUpgradeAsync(UpgradeRequest request)
    {
        ConnectVerdict verdict = await door.Access.ConnectAsync(request, token: null, CancellationToken.None);
        return verdict.Identity is { } identity ? UpgradeDecision.AcceptWith(identity) : door.Refuse(verdict.Refusal);
    }

    public override ValueTask OnOpenedAsync(WeirConnection connection)
    {
        Door.CloseAt(connection, (connection.State as ClientIdentity)?.ExpiresAt);
        return ValueTask.CompletedTask;
    }

    public override ValueTask OnMessageAsync(WeirConnection connection, WeirMessage message)
    {
        connection.Send(message.Payload, message.Kind);
        return ValueTask.CompletedTask;
    }
}
