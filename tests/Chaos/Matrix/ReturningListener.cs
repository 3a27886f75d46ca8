using System.Net.Sockets;
using System.Net.WebSockets;

namespace Weir.Chaos.Matrix;

/// <summary>A listener whose client does not reconnect by itself: it connects again a moment after its connection has ended.</summary>
internal abstract class ReturningListener(Way way, params string[] rooms) : ClientListener(way, rooms)
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(200);

    private readonly CancellationTokenSource _end = new();
    private Task _listening = Task.CompletedTask;

    public override void Start() => _listening = ListenAsync();

    public override async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _listening;
        _end.Dispose();
    }

    /// <summary>Connects and listens until the connection ends, by returning or with an exception of its kind.</summary>
    protected abstract Task ListenOnceAsync(CancellationToken end);

    private async Task ListenAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            try
            {
                await ListenOnceAsync(_end.Token);
            }
            catch (Exception error) when (error
                is HttpRequestException or IOException or OperationCanceledException or SocketException or WebSocketException)
            {
                // It ended or could not be made: the next one.
            }

            await Task.Delay(_pause, TimeProvider.System, _end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
