using System.Net;
using Weir.Diagnostics;
using Weir.Handshake;
using Weir.Limits;

namespace Weir.Connections;

/// <summary>The part of judging a handshake that is the endpoint's and not the RFC's: its origins and its handler.</summary>
internal static class Admission
{
    /// <summary>
    /// Without a refusal the connection may open; then it holds a place in the node, which <see cref="WeirConnection"/> gives back.
    /// </summary>
    public static async ValueTask<AdmissionVerdict> JudgeAsync(
        WeirEndpoint endpoint, UpgradeRequest request, IPAddress? remoteAddress, string connectionId)
    {
        NodeGate gate = endpoint.Engine.Gate;
        if (gate.Enter(remoteAddress) is { } refusal)
        {
            return new AdmissionVerdict(refusal);
        }

        AdmissionVerdict verdict = await JudgeInsideAsync(endpoint, request, connectionId).ConfigureAwait(false);
        if (verdict.Refusal is not null)
        {
            gate.Leave(remoteAddress);
        }

        return verdict;
    }

    private static async ValueTask<AdmissionVerdict> JudgeInsideAsync(WeirEndpoint endpoint, UpgradeRequest request, string connectionId)
    {
        if (!endpoint.Origins.Allows(request.GetHeader("Origin"), request.Authority))
        {
            return new AdmissionVerdict(HandshakeRefusal.ForbiddenOrigin);
        }

        try
        {
            UpgradeDecision decision = await endpoint.Handler.OnUpgradeAsync(request).ConfigureAwait(false);
            return decision.IsAccepted
                ? new AdmissionVerdict(Refusal: null, decision.State)
                : new AdmissionVerdict(new HandshakeRefusal(
                    decision.StatusCode, decision.Reason!, ChallengeFor(decision.StatusCode), Name: "handler", decision.CloseCode));
        }
        catch (Exception error)
        {
            WeirLog.UpgradeHandlerFailed(endpoint.Engine.Logger, error, connectionId, endpoint.Path);
            return new AdmissionVerdict(new HandshakeRefusal(500, "Internal error.", Name: "handler_error"));
        }
    }

    // RFC 9110 section 15.5.2: "The server generating a 401 response MUST send a WWW-Authenticate header field".
    private static string? ChallengeFor(int statusCode) => statusCode == 401 ? "WWW-Authenticate: Bearer" : null;
}

/// <summary>What became of a handshake.</summary>
/// <param name="Refusal">Null: the connection may open.</param>
/// <param name="State">What the handler has found out about the connection.</param>
internal readonly record struct AdmissionVerdict(HandshakeRefusal? Refusal, object? State = null);
