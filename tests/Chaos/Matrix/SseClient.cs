using System.Globalization;
using System.Text.Json;

namespace Weir.Chaos.Matrix;

/// <summary>
/// A client of Server-Sent Events as a browser is one: it keeps the last id, and returns with it when its stream ends. The time
/// that <c>retry:</c> names is shortened, so that a run stays short.
/// </summary>
/// <param name="way">Protocol and transport.</param>
/// <param name="http">Requests the streams, with its own version of HTTP.</param>
/// <param name="origin">Of the nodes.</param>
/// <param name="rooms">The rooms of its one stream.</param>
internal sealed class SseClient(Way way, HttpClient http, Uri origin, params string[] rooms) : ReturningListener(way, rooms)
{
    private static readonly TimeSpan _silence = TimeSpan.FromSeconds(10);
    private string _lastId = "";

    protected override async Task ListenOnceAsync(CancellationToken end)
    {
        Uri address = new(origin, "/sse?" + string.Join('&', Rooms.Select(static room => "room=" + room)));
        await foreach (StreamEvent happened in EventStream.ReadAsync(http, address, _lastId, _silence, OnConnected, end))
        {
            Take(happened);
        }
    }

    private void Take(StreamEvent happened)
    {
        (string? id, string type, string? data) = happened;
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

        // A stream of several rooms repeats the position of a room whose message has none.
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
        return Rooms[number] == room ? Position.TryParse(parts[1].Split(',')[number])
            : throw new InvalidDataException($"{id} names another room than {room}");
    }
}
