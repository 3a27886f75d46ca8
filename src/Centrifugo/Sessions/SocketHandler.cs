using Weir.Centrifugo.Protocol;
using Weir.Limits;

namespace Weir.Centrifugo.Sessions;

/// <summary>The protocol on WebSocket connections: a session each.</summary>
internal sealed class SocketHandler(CentrifugoHub hub, TimeSpan pingInterval, InboundLimit? limit) : WeirHandler
{
    public override ValueTask OnOpenedAsync(WeirConnection connection)
    {
        connection.State = new SocketSession(hub, connection, pingInterval, limit);
        connection.CloseUnlessReplanned(hub.Options.ConnectTimeout, Goodbye.Stale.Code, Goodbye.Stale.Reason);
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
