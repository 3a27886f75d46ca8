using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;

namespace Weir.Chaos.Matrix;

/// <summary>
/// A client of Server-Sent Events as a browser is one: it keeps the last id, and returns with it when its stream ends. The time
/// that <c>retry:</c> names is cut short, so that a run stays short.
/// </summary>
internal sealed class SseClient(int port, params string[] rooms) : ClientListener(rooms.Length == 1 ? Way.Sse : Way.SseOfTwo, rooms)
{
    private static readonly TimeSpan _silence = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(200);
    private static readonly HttpClient _http = new(new SocketsHttpHandler { MaxConnectionsPerServer = int.MaxValue, UseProxy = false })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    private readonly CancellationTokenSource _end = new();
    private string _lastId = "";
    private Task _listening = Task.CompletedTask;

    public override void Start() => _listening = ListenAsync();

    public override async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _listening;
        _end.Dispose();
    }

    private async Task ListenAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            try
            {
                await ReadStreamAsync();
            }
            catch (Exception error) when (error is HttpRequestException or IOException or OperationCanceledException or SocketException)
            {
                // The stream ended or could not be had; the next one goes on from the last id.
            }

            await Task.Delay(_pause, TimeProvider.System, _end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ReadStreamAsync()
    {
        using CancellationTokenSource silence = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
        silence.CancelAfter(_silence);
        string query = string.Join('&', Rooms.Select(static room => "room=" + room));
        using HttpRequestMessage request = new(HttpMethod.Get, $"http://127.0.0.1:{port}/sse?{query}");
        request.Headers.Accept.ParseAdd("text/event-stream");
        if (_lastId.Length > 0)
        {
            request.Headers.Add("Last-Event-ID", _lastId);
        }

        using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, silence.Token);
        response.EnsureSuccessStatusCode();
        OnConnected();
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
                data = line[6..];
            }
        }
    }

    // A whole event: what was cut off in the middle of one has not happened.
    private void Take(string? id, string type, string? data)
    {
        _lastId = id ?? _lastId;
        if (id is not null)
        {
            foreach (string room in Rooms)
            {
                OnListening(room);
            }
        }

        if (data is null)
        {
            return;
        }

        if (type == "lost")
        {
            JsonElement lost = JsonDocument.Parse(data).RootElement;
            Position next = new(lost.GetProperty("epoch").GetString()!, lost.GetProperty("offset").GetInt64());
            OnLost(lost.GetProperty("room").GetString()!, next);
            return;
        }

        string text = data.Trim('"');
        string from = Message.RoomOf(text);
        Position? position = id is null ? null : PositionIn(id, from);

        // A stream of several rooms repeats the place of a room whose message has no number.
        OnMessage(from, position == LastOf(from) ? null : position, text);
    }

    // The id of a stream of several rooms is "n;places": the place of the n-th room is that of the event.
    private Position? PositionIn(string id, string room)
    {
        if (Rooms.Count == 1)
        {
            return Position.TryParse(id);
        }

        string[] parts = id.Split(';');
        int number = int.Parse(parts[0], CultureInfo.InvariantCulture);
        return Rooms[number] == room ? Position.TryParse(parts[1].Split(',')[number]) : throw new InvalidDataException($"{id} names another room than {room}");
    }
}
