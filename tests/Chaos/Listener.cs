using System.Net.Sockets;

namespace Weir.Chaos;

/// <summary>
/// A client of Server-Sent Events as a browser is one: it listens to one room, keeps the last id, and comes back with it when
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
    private readonly List<Heard> _heard = [];
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
    public Account Account => new(room, _heard, _connections - 1);

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
                // The node is gone, or stopped, or its answer broke off: another has the same rooms.
            }

            node++;
            await Task.Delay(_pause, TimeProvider.System, _end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ReadStreamAsync(Uri node)
    {
        using CancellationTokenSource silence = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
        silence.CancelAfter(_silence);
        using HttpRequestMessage request = new(HttpMethod.Get, new Uri(node, $"/sse?room={room}"));
        if (_lastId.Length > 0)
        {
            request.Headers.Add("Last-Event-ID", _lastId);
        }

        using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, silence.Token);
        response.EnsureSuccessStatusCode();
        _connections++;
        using StreamReader reader = new(await response.Content.ReadAsStreamAsync(silence.Token));
        string? id = null;
        string? data = null;
        string type = "";
        while (await reader.ReadLineAsync(silence.Token) is { } line)
        {
            silence.CancelAfter(_silence);
            if (line.Length == 0)
            {
                Take(id, type, data);
                (id, data, type) = (null, null, "");
            }
            else if (line.StartsWith("id: ", StringComparison.Ordinal))
            {
                id = line[4..];
            }
            else if (line.StartsWith("event: ", StringComparison.Ordinal))
            {
                type = line[7..];
            }
            else if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                data = data is null ? line[6..] : data + "\n" + line[6..];
            }
        }
    }

    // A whole event: what was cut off in the middle of one has not happened.
    private void Take(string? id, string type, string? data)
    {
        lock (_gate)
        {
            _lastId = id ?? _lastId;
            if (data is not null)
            {
                _heard.Add(new Heard(id is null ? null : Position.Parse(id), type == "lost" ? null : data.Trim('"')));
            }
        }
    }
}
