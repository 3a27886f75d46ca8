using Weir.Relay;

namespace Weir.Centrifugo.Tests.Sessions;

/// <summary>Lets everybody in and do everything, but where a test says otherwise.</summary>
internal sealed class ScriptedAccess : IClientAccess
{
    public Func<string?, ConnectVerdict> OnConnect { get; set; } = static _ => ConnectVerdict.Allow(ClientIdentity.Anonymous);

    public Func<string, string?, RoomVerdict> OnSubscribe { get; set; } = static (_, _) => RoomVerdict.Allow;

    public Func<string, bool> OnPublish { get; set; } = static _ => true;

    public ValueTask<ConnectVerdict> ConnectAsync(UpgradeRequest request, string? token, CancellationToken cancellationToken) => new(OnConnect(token));

    public ValueTask<RoomVerdict> SubscribeAsync(ClientIdentity client, string room, string? token, CancellationToken cancellationToken)
        => new(OnSubscribe(room, token));

    public bool MayPublish(ClientIdentity client, string room) => OnPublish(room);
}
