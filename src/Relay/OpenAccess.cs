namespace Weir.Relay;

/// <summary>
/// Everybody may come in and do everything, but publish where a room's rule lets nobody: what holds where nothing about access
/// is configured.
/// </summary>
public sealed class OpenAccess : IClientAccess
{
    /// <summary>The one there is.</summary>
    public static OpenAccess Instance { get; } = new();

    private readonly RoomRules? _rules;

    private OpenAccess()
    {
    }

    /// <summary>Everybody may publish where the rules say <see cref="RoomPublishing.Members"/>.</summary>
    public OpenAccess(RoomRules rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        _rules = rules.RestrictPublishing ? rules : null;
    }

    /// <inheritdoc/>
    public ValueTask<ConnectVerdict> ConnectAsync(UpgradeRequest request, string? token, CancellationToken cancellationToken)
        => new(ConnectVerdict.Allow(ClientIdentity.Anonymous));

    /// <inheritdoc/>
    public ValueTask<RoomVerdict> SubscribeAsync(ClientIdentity client, string room, string? token, CancellationToken cancellationToken)
        => new(RoomVerdict.Allow);

    /// <inheritdoc/>
    public bool MayPublish(ClientIdentity client, string room) => _rules is null || _rules.Of(room).Publish == RoomPublishing.Members;
}
