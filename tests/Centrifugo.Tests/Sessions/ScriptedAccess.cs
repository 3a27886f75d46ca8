using Weir.Handshake;
using Weir.Relay.Access;

namespace Weir.Protocols.Centrifugo.Tests.Sessions;

/// <summary>Admits all clients and grants all rights, except where a test refuses them.</summary>
internal sealed class ScriptedAccess : IClientAccess
{
    public Func<string?, ConnectResult> OnConnect { get; set; } = static _ => ConnectResult.Allow(ClientIdentity.Anonymous);

    public Func<string, string?, RoomAccessResult> OnSubscribe { get; set; } = static (_, _) => RoomAccessResult.Allow;

    public Func<string, bool> OnPublish { get; set; } = static _ => true;

    public ValueTask<ConnectResult> ConnectAsync(UpgradeRequest request, string? token, CancellationToken cancellationToken)
        => new(OnConnect(token));

    public ValueTask<RoomAccessResult> SubscribeAsync(ClientIdentity client, string room, string? token,
        CancellationToken cancellationToken)
        => new(OnSubscribe(room, token));

    public bool MayPublish(ClientIdentity client, string room) => OnPublish(room);
}
