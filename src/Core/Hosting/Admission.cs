using System.Net;
using Weir.Connections;
using Weir.Diagnostics;
using Weir.Handshake;
using Weir.Limits;

namespace Weir.Hosting;

/// <summary>Evaluates the part of a handshake that the endpoint decides and not the RFC: its origins and its handler.</summary>
internal static class Admission
{
    /// <summary>
    /// Without a refusal the connection may open; it then holds a permit of the node, which <see cref="WeirConnection"/> releases.
    /// </summary>
    public static async ValueTask<AdmissionResult> EvaluateAsync(
        WeirEndpoint endpoint, UpgradeRequest request, IPAddress? remoteAddress, string connectionId)
    {
        NodeGate gate = endpoint.Engine.Gate;
        if (gate.Enter(remoteAddress) is { } refusal)
        {
            return new AdmissionResult(refusal);
        }

        AdmissionResult result = await EvaluateInsideAsync(endpoint, request, connectionId).ConfigureAwait(false);
        if (result.Refusal is not null)
        {
            gate.Leave(remoteAddress);
        }

        return result;
    }

    private static async ValueTask<AdmissionResult> EvaluateInsideAsync(WeirEndpoint endpoint, UpgradeRequest request, string connectionId)
    {
        if (!endpoint.Origins.Allows(request.GetHeader("Origin"), request.Authority))
        {
            return new AdmissionResult(HandshakeRefusal.ForbiddenOrigin);
        }

        try
        {
            UpgradeDecision decision = await endpoint.Handler.OnUpgradeAsync(request).ConfigureAwait(false);
            return decision.IsAccepted
                ? new AdmissionResult(Refusal: null, decision.State)
                : new AdmissionResult(new HandshakeRefusal(
                    decision.StatusCode, decision.Reason!, ChallengeFor(decision.StatusCode), Name: "handler", decision.CloseCode));
        }
        catch (Exception error)
        {
            WeirLog.UpgradeHandlerFailed(endpoint.Engine.Logger, error, connectionId, endpoint.Path);
            return new AdmissionResult(new HandshakeRefusal(500, "Internal error.", Name: "handler_error"));
        }
    }

    // RFC 9110 section 15.5.2: "The server generating a 401 response MUST send a WWW-Authenticate header field".
    private static string? ChallengeFor(int statusCode) => statusCode == 401 ? "WWW-Authenticate: Bearer" : null;
}

/// <summary>The result of a handshake's admission.</summary>
/// <param name="Refusal"><c>null</c> if the connection may open.</param>
/// <param name="State">The handler's state for the connection.</param>
internal readonly record struct AdmissionResult(HandshakeRefusal? Refusal, object? State = null);
