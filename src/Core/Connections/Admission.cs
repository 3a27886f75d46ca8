using System.Net;
using Weir.Diagnostics;
using Weir.Handshake;
using Weir.Limits;

namespace Weir.Connections;

/// <summary>The part of judging a handshake that is the endpoint's and not the RFC's: its origins and its handler.</summary>
internal static class Admission
{
    /// <summary>
    /// Null when the connection may open; then it holds a place in the node, which <see cref="WeirConnection"/> gives back.
    /// </summary>
    public static async ValueTask<HandshakeRefusal?> JudgeAsync(
        WeirEndpoint endpoint, UpgradeRequest request, IPAddress? remoteAddress, string connectionId)
    {
        NodeGate gate = endpoint.Engine.Gate;
        if (gate.Enter(remoteAddress) is { } refusal)
        {
            return refusal;
        }

        refusal = await JudgeInsideAsync(endpoint, request, connectionId).ConfigureAwait(false);
        if (refusal is not null)
        {
            gate.Leave(remoteAddress);
        }

        return refusal;
    }

    private static async ValueTask<HandshakeRefusal?> JudgeInsideAsync(WeirEndpoint endpoint, UpgradeRequest request, string connectionId)
    {
        if (!endpoint.Origins.Allows(request.GetHeader("Origin"), request.Authority))
        {
            return HandshakeRefusal.ForbiddenOrigin;
        }

        try
        {
            UpgradeDecision decision = await endpoint.Handler.OnUpgradeAsync(request).ConfigureAwait(false);
            return decision.IsAccepted ? null : new HandshakeRefusal(decision.StatusCode, decision.Reason!, Name: "handler");
        }
        catch (Exception error)
        {
            WeirLog.UpgradeHandlerFailed(endpoint.Engine.Logger, error, connectionId, endpoint.Path);
            return new HandshakeRefusal(500, "Internal error.", Name: "handler_error");
        }
    }
}
