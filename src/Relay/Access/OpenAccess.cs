using Weir.Handshake;
using Weir.Relay.Brokers;

namespace Weir.Relay.Access;

/// <summary>
/// Every client may connect and do everything, except publish where a room's rule excludes clients: the default if access is not
/// configured.
/// </summary>
public sealed class OpenAccess : IClientAccess
{
    /// <summary>The shared instance.</summary>
    public static OpenAccess Instance { get; } = new();

    private readonly RoomRules? _rules;

    private OpenAccess()
    {
    }

    /// <summary>Every client may publish where the rules have <see cref="RoomPublishing.Members"/>.</summary>
    public OpenAccess(RoomRules rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        _rules = rules.RestrictPublishing ? rules : null;
    }

    /// <inheritdoc/>
    public ValueTask<ConnectResult> ConnectAsync(UpgradeRequest request, string? token, CancellationToken cancellationToken)
        => new(ConnectResult.Allow(ClientIdentity.Anonymous));

    /// <inheritdoc/>
    public ValueTask<RoomAccessResult> SubscribeAsync(
        ClientIdentity client, string room, string? token, CancellationToken cancellationToken)
        => new(RoomAccessResult.Allow);

    /// <inheritdoc/>
    public bool MayPublish(ClientIdentity client, string room) => _rules is null || _rules.Of(room).Publish == RoomPublishing.Members;
}
