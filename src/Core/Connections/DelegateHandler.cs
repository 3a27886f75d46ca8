namespace Weir.Connections;

/// <summary>A handler that only processes messages.</summary>
internal sealed class DelegateHandler : WeirHandler
{
    private readonly Func<WeirConnection, WeirMessage, ValueTask> _onMessage;

    public DelegateHandler(Func<WeirConnection, WeirMessage, ValueTask> onMessage)
    {
        ArgumentNullException.ThrowIfNull(onMessage);
        _onMessage = onMessage;
    }

    public override ValueTask OnMessageAsync(WeirConnection connection, WeirMessage message) => _onMessage(connection, message);
}
