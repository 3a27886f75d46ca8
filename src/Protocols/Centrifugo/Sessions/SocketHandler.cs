using Weir.Closing;
using Weir.Connections;
using Weir.Limits;
using Weir.Protocols.Centrifugo.Protocol;

namespace Weir.Protocols.Centrifugo.Sessions;

/// <summary>The protocol on WebSocket connections, with one session for each.</summary>
internal sealed class SocketHandler(CentrifugoHub hub, TimeSpan pingInterval, InboundLimit? limit) : WeirHandler
{
    public override ValueTask OnOpenedAsync(WeirConnection connection)
    {
        connection.State = new SocketSession(hub, connection, pingInterval, limit);
        connection.CloseUnlessReplanned(hub.Settings.ConnectTimeout, DisconnectReason.Stale.Code, DisconnectReason.Stale.Reason);
        return ValueTask.CompletedTask;
    }

    public override ValueTask OnMessageAsync(WeirConnection connection, WeirMessage message)
        => ((SocketSession)connection.State!).TakeAsync(message);

    public override ValueTask OnClosedAsync(WeirConnection connection, WeirClosure closure)
    {
        ((SocketSession?)connection.State)?.OnClosed();
        return ValueTask.CompletedTask;
    }
}
