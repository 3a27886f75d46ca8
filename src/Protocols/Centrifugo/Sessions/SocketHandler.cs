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
        DisconnectReason late = DisconnectReason.Stale;
        connection.CloseUnlessReplanned(hub.Settings.ConnectTimeout, late.Code, late.Reason, late.Cause);
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
