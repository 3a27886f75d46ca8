namespace Weir.Relay;

/// <summary>Everybody may come in and do everything: what holds where nothing about access is configured.</summary>
public sealed class OpenAccess : IClientAccess
{
    /// <summary>The one there is.</summary>
    public static OpenAccess Instance { get; } = new();

    private OpenAccess()
    {
    }

    /// <inheritdoc/>
    public ValueTask<ConnectVerdict> ConnectAsync(UpgradeRequest request, string? token, CancellationToken cancellationToken)
        => new(ConnectVerdict.Allow(ClientIdentity.Anonymous));

    /// <inheritdoc/>
    public ValueTask<RoomVerdict> SubscribeAsync(ClientIdentity client, string room, string? token, CancellationToken cancellationToken)
        => new(RoomVerdict.Allow);

    /// <inheritdoc/>
    public bool MayPublish(ClientIdentity client, string room) => true;
}
