using Weir.Connections;
using Weir.Limits;
using Weir.Protocol;
using Weir.Protocols.Centrifugo.Protocol;

namespace Weir.Protocols.Centrifugo.Sessions;

/// <summary>A session over a WebSocket.</summary>
internal sealed class SocketSession(CentrifugoHub hub, WeirConnection connection, TimeSpan pingInterval, InboundLimit? limit)
    : ClientSession(hub, hub.Relay.ClientIdOf(connection), connection.Request, limit)
{
    public override WeirConnection Connection => connection;

    protected override TimeSpan PingInterval => pingInterval;

    protected override bool ExpectsPong => true;

    protected override void SendInsideLock(ReadOnlyMemory<byte> message) => connection.Send(message, MessageKind.Text);

    protected override void SendInsideLock(EncodedPush push) => connection.Send(push.Message, MessageKind.Text);

    protected override void Close(DisconnectReason why) => connection.Close(why.Code, why.Reason, why.Cause);

    protected override void PlanClose(DateTimeOffset? end, DisconnectReason why)
        => connection.CloseAt(end, why.Code, why.Reason, why.Cause);

    protected override bool TakePong() => connection.TakeHeartbeatAnswer();

    /// <summary>Handles a message.</summary>
    public ValueTask TakeAsync(in WeirMessage message)
    {
        if (message.Kind == MessageKind.Binary)
        {
            Leave(DisconnectReason.BadRequest); // the binary variant of the protocol is not supported
            return default;
        }

        // Nearly always a single segment.
        return HandleAsync(
            message.Payload.IsSingleSegment ? message.Payload.First : System.Buffers.BuffersExtensions.ToArray(message.Payload));
    }
}
