using System.Net.Sockets;

namespace Weir.Chaos;

/// <summary>
/// A client of Server-Sent Events like a browser: it listens to one room, keeps the last id, and reconnects with it when
/// its stream ends, or has been silent for longer than heartbeats are apart; then to another node.
/// </summary>
internal sealed class Listener(Fleet fleet, string room, int home) : IAsyncDisposable
{
    private static readonly TimeSpan _silence = TimeSpan.FromSeconds(2.5);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(100);
    private static readonly HttpClient _http = new(new SocketsHttpHandler
    {
        MaxConnectionsPerServer = int.MaxValue,
        ConnectTimeout = _silence,
        UseProxy = false,
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    private readonly CancellationTokenSource _end = new();
    private readonly Lock _gate = new();
    private readonly List<Receipt> _receipts = [];
    private string _lastId = "";
    private int _connections;
    private Task _listening = Task.CompletedTask;

    public string Room => room;

    /// <summary>The last id; null before the first.</summary>
    public Position? Last
    {
        get
        {
            lock (_gate)
            {
                return _lastId.Length == 0 ? null : Position.Parse(_lastId);
            }
        }
    }

    /// <summary>To be called when it is disposed.</summary>
    public Account Account => new(room, _receipts, _connections - 1);

    public void Start() => _listening = ListenAsync();

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _listening;
    }

    private async Task ListenAsync()
    {
        int node = home;
        while (!_end.IsCancellationRequested)
        {
            try
            {
                await ReadStreamAsync(fleet.AddressOf(node));
            }
            catch (Exception error) when (error is HttpRequestException or IOException or OperationCanceledException or SocketException)
            {
                // The node has ended, or is stopped, or its answer broke off: another has the same rooms.
            }

            node++;
            await Task.Delay(_pause, TimeProvider.System, _end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ReadStreamAsync(Uri node)
    {
        Uri address = new(node, $"/sse?room={room}");
        await foreach (StreamEvent happened in EventStream.ReadAsync(_http, address, _lastId, _silence, () => _connections++, _end.Token))
        {
            lock (_gate)
            {
                _lastId = happened.Id ?? _lastId;
                if (happened.Data is { } data)
                {
                    string? text = happened.Type == "lost" ? null : data.Trim('"');
                    _receipts.Add(new Receipt(happened.Id is null ? null : Position.Parse(happened.Id), text));
                }
            }
        }
    }
}
