using Weir.Handshake;
using Weir.Relay.Access;

namespace Weir.Relay.Nodes;

/// <summary>
/// The identity of a client, and its right to subscribe to all rooms that its request names, <c>?room=R&amp;room=S</c>: one evaluation for
/// every endpoint where rooms are named like that.
/// </summary>
/// <remarks>
/// A room's own token is sent as <c>room_token</c>: the n-th is that of the n-th <c>room</c>, and an empty one means no token.
/// </remarks>
/// <param name="Complaint">What is wrong with the request, as text for the client; <c>null</c> if it is valid.</param>
/// <param name="Refusal">Why the client is refused.</param>
/// <param name="Identity">The client's identity; <c>null</c> if refused.</param>
/// <param name="Rooms">The rooms, each once.</param>
/// <param name="ExpiresAt">When the first of its grants ends; <c>null</c> if never.</param>
public sealed record RoomAdmission(
    string? Complaint, AccessRefusal Refusal, ClientIdentity? Identity, IReadOnlyList<AdmittedRoom> Rooms, DateTimeOffset? ExpiresAt)
{
    /// <summary>Evaluates a request.</summary>
    /// <param name="access">Decides on access.</param>
    /// <param name="relay">Decides which names rooms may have.</param>
    /// <param name="request">The client's request.</param>
    /// <param name="cancellationToken">Canceled when the client has disconnected.</param>
    public static async ValueTask<RoomAdmission> EvaluateAsync(
        IClientAccess access, RelayNode relay, UpgradeRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(access);
        ArgumentNullException.ThrowIfNull(relay);
        ArgumentNullException.ThrowIfNull(request);
        IReadOnlyList<string> names = request.GetQueryValues("room");
        if (relay.ComplaintAbout(names) is { } complaint)
        {
            return new RoomAdmission(complaint, AccessRefusal.None, Identity: null, [], ExpiresAt: null);
        }

        ConnectResult connect = await access.ConnectAsync(request, token: null, cancellationToken).ConfigureAwait(false);
        if (connect.Identity is not { } identity)
        {
            return Refuse(connect.Refusal);
        }

        IReadOnlyList<string> tokens = request.GetQueryValues("room_token");
        List<AdmittedRoom> rooms = new(names.Count);
        HashSet<string>? seen = names.Count > 1 ? new(StringComparer.Ordinal) : null;
        DateTimeOffset? expiresAt = identity.ExpiresAt;
        for (int i = 0; i < names.Count; i++)
        {
            if (seen?.Add(names[i]) == false)
            {
                continue;
            }

            string? token = i < tokens.Count && tokens[i].Length > 0 ? tokens[i] : null;
            RoomAccessResult result = await access.SubscribeAsync(identity, names[i], token, cancellationToken).ConfigureAwait(false);
            if (!result.IsAllowed)
            {
                return Refuse(result.Refusal);
            }

            rooms.Add(new AdmittedRoom(names[i], result.Info));
            expiresAt = expiresAt is null || result.ExpiresAt < expiresAt ? result.ExpiresAt ?? expiresAt : expiresAt;
        }

        return new RoomAdmission(Complaint: null, AccessRefusal.None, identity, rooms, expiresAt);
    }

    private static RoomAdmission Refuse(AccessRefusal why) => new(Complaint: null, why, Identity: null, [], ExpiresAt: null);
}

/// <summary>A room that a client may subscribe to.</summary>
/// <param name="Name">The room.</param>
/// <param name="Info">The data on the client in its token for the room, as JSON for its presence; empty if none.</param>
public readonly record struct AdmittedRoom(string Name, ReadOnlyMemory<byte> Info);
