using Weir.Connections;
using Weir.Handshake;
using Weir.Host.Features.Auth;
using Weir.Relay.Access;

namespace Weir.Host.Features.Echo;

/// <summary>Sends every message back unchanged: for measurements, and for testing clients.</summary>
internal sealed class EchoHandler(AccessResponses responses) : WeirHandler
{
    public override async ValueTask<UpgradeDecision> OnUpgradeAsync(UpgradeRequest request)
    {
        ConnectResult result = await responses.Access.ConnectAsync(request, token: null, CancellationToken.None);
        return result.Identity is { } identity ? UpgradeDecision.AcceptWith(identity) : responses.Refuse(result.Refusal);
    }

    public override ValueTask OnOpenedAsync(WeirConnection connection)
    {
        AccessResponses.CloseAt(connection, (connection.State as ClientIdentity)?.ExpiresAt);
        return ValueTask.CompletedTask;
    }

    public override ValueTask OnMessageAsync(WeirConnection connection, WeirMessage message)
    {
        connection.Send(message.Payload, message.Kind);
        return ValueTask.CompletedTask;
    }
}
