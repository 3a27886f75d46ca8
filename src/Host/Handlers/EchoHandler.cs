namespace Weir.Host.Handlers;

/// <summary>Sends every message back as it came: for measuring, and for checking a client.</summary>
internal sealed class EchoHandler : WeirHandler
{
    public override ValueTask OnMessageAsync(WeirConnection connection, WeirMessage message)
    {
        connection.Send(message.Payload, message.Kind);
        return ValueTask.CompletedTask;
    }
}
