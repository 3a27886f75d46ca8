namespace Weir.Relay;

/// <summary>
/// Who a client is, and that it may listen to all the rooms that its request names, <c>?room=R&amp;room=S</c>: asked in one go by
/// every way in where rooms are named like that.
/// </summary>
/// <remarks>
/// A room's own token is brought as <c>room_token</c>: the n-th is that of the n-th <c>room</c>, and an empty one is none.
/// </remarks>
/// <param name="Complaint">What is wrong with the request, for the client to read; null: nothing.</param>
/// <param name="Refusal">Why the client may not come in.</param>
/// <param name="Identity">Who it is; null when it may not come in.</param>
/// <param name="Rooms">The rooms, each once.</param>
/// <param name="ExpiresAt">When the first of its rights ends; null: never.</param>
public sealed record RoomAdmission(
    string? Complaint, AccessRefusal Refusal, ClientIdentity? Identity, IReadOnlyList<AdmittedRoom> Rooms, DateTimeOffset? ExpiresAt)
{
    /// <summary>Judges a request.</summary>
    /// <param name="access">Says who may what.</param>
    /// <param name="relay">Knows which names rooms may have.</param>
    /// <param name="request">The client's request.</param>
    /// <param name="cancellationToken">The client has gone.</param>
    public static async ValueTask<RoomAdmission> JudgeAsync(
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

        ConnectVerdict connect = await access.ConnectAsync(request, token: null, cancellationToken).ConfigureAwait(false);
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
            RoomVerdict verdict = await access.SubscribeAsync(identity, names[i], token, cancellationToken).ConfigureAwait(false);
            if (!verdict.IsAllowed)
            {
                return Refuse(verdict.Refusal);
            }

            rooms.Add(new AdmittedRoom(names[i], verdict.Info));
            expiresAt = expiresAt is null || verdict.ExpiresAt < expiresAt ? verdict.ExpiresAt ?? expiresAt : expiresAt;
        }

        return new RoomAdmission(Complaint: null, AccessRefusal.None, identity, rooms, expiresAt);
    }

    private static RoomAdmission Refuse(AccessRefusal why) => new(Complaint: null, why, Identity: null, [], ExpiresAt: null);
}

/// <summary>A room that a client may listen to.</summary>
/// <param name="Name">The room.</param>
/// <param name="Info">What its token for the room says of the client, as JSON for its presence; empty: nothing.</param>
public readonly record struct AdmittedRoom(string Name, ReadOnlyMemory<byte> Info);
