using Weir.Centrifugo.Protocol;
using Weir.Limits;

namespace Weir.Centrifugo.Sessions;

/// <summary>A session over a WebSocket.</summary>
internal sealed class SocketSession(CentrifugoHub hub, WeirConnection connection, TimeSpan pingInterval, InboundLimit? limit)
    : Session(hub, hub.Relay.ClientIdOf(connection), connection.Request, limit)
{
    public override WeirConnection Connection => connection;

    protected override TimeSpan PingInterval => pingInterval;

    protected override bool WantsPong => true;

    protected override void SendInsideLock(ReadOnlyMemory<byte> lines) => connection.Send(lines, MessageKind.Text);

    protected override void SendInsideLock(Push push) => connection.Send(push.Json, MessageKind.Text);

    protected override void Close(Goodbye why) => connection.Close(why.Code, why.Reason);

    protected override void PlanClose(DateTimeOffset? end, Goodbye why) => connection.CloseAt(end, why.Code, why.Reason);

    protected override bool TakePong() => connection.TakeHeartbeatAnswer();

    /// <summary>A message has arrived.</summary>
    public ValueTask TakeAsync(in WeirMessage message)
    {
        if (message.Kind == MessageKind.Binary)
        {
            Leave(Goodbye.BadRequest); // the binary variant of the protocol is not spoken here
            return default;
        }

        // Nearly always in one piece.
        return HandleAsync(message.Payload.IsSingleSegment ? message.Payload.First : System.Buffers.BuffersExtensions.ToArray(message.Payload));
    }
}
