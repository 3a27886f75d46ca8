using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;

namespace Weir.Chaos;

/// <summary>Publishes to the rooms in turn by the API of one node, each message once, and notes which were confirmed.</summary>
internal sealed class Publisher(Fleet fleet, int node, IReadOnlyList<string> rooms, Func<string, int, string>? textOf = null)
{
    public const string Key = "chaos";

    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(4);
    private static readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(5) };

    private readonly List<(string Room, Position Position, string Text)> _confirmed = [];

    /// <summary>Those that were not confirmed: the answer was an error, or there was none.</summary>
    public int Failed { get; private set; }

    /// <summary>What was confirmed. To be read when <see cref="RunAsync"/> is over.</summary>
    public IReadOnlyList<(string Room, Position Position, string Text)> Confirmed => _confirmed;

    /// <summary>Those that were answered with a result that has no position. To be read when <see cref="RunAsync"/> is over.</summary>
    public List<(string Room, string Text)> WithoutPosition { get; } = [];

    public async Task RunAsync(CancellationToken enough)
    {
        for (int number = 0; !enough.IsCancellationRequested; number++)
        {
            string room = rooms[number % rooms.Count];
            if (await TryPublishAsync(room, textOf?.Invoke(room, number) ?? $"{node}-{number}") is null)
            {
                Failed++;
            }

            await Task.Delay(_pause, TimeProvider.System, enough).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Publishes one; null when it is not known to be published.</summary>
    public async Task<Position?> TryPublishAsync(string room, string text)
    {
        try
        {
            using HttpRequestMessage request = new(HttpMethod.Post, new Uri(fleet.AddressOf(node), "/api/publish"))
            {
                Content = JsonContent.Create(new { channel = room, data = text }),
            };
            request.Headers.Add("X-API-Key", Key);
            using HttpResponseMessage response = await _http.SendAsync(request);
            JsonElement answer = await response.Content.ReadFromJsonAsync<JsonElement>();
            if (!answer.TryGetProperty("result", out JsonElement result))
            {
                return null;
            }

            if (!result.TryGetProperty("offset", out _))
            {
                WithoutPosition.Add((room, text));
                return null;
            }

            Position position = new(result.GetProperty("epoch").GetString()!, result.GetProperty("offset").GetInt64());
            _confirmed.Add((room, position, text));
            return position;
        }
        catch (Exception error) when (
            error is HttpRequestException or IOException or OperationCanceledException or SocketException or JsonException)
        {
            return null;
        }
    }
}
