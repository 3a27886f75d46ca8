using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Relay;

/// <summary>A Host whose rooms "kept:*" have history, "short:*" a little of it, and "present:*" presence; with an API key.</summary>
public sealed class RelayHost : IAsyncLifetime
{
    public const string Key = "the key of the tests";

    private HostProcess? _process;

    internal HostProcess Process => _process!;

    internal HttpClient Http { get; private set; } = new();

    public async ValueTask InitializeAsync()
    {
        _process = await HostProcess.StartAsync(
            ("Weir__Rooms__0__Pattern", "kept:*"),
            ("Weir__Rooms__0__HistorySize", "1000"),
            ("Weir__Rooms__0__HistoryTtl", "10m"),
            ("Weir__Rooms__1__Pattern", "short:*"),
            ("Weir__Rooms__1__HistorySize", "3"),
            ("Weir__Rooms__2__Pattern", "present:*"),
            ("Weir__Rooms__2__Presence", "true"),
            ("Weir__Api__Key", Key));
        Http = NewClient(_process);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _process!.DisposeAsync();
    }

    /// <summary>A room of one test only.</summary>
    internal static string NewRoom(string kind) => $"{kind}:{Guid.NewGuid():N}";

    internal static HttpClient NewClient(HostProcess process) => new(new SocketsHttpHandler { MaxConnectionsPerServer = 1000 })
    {
        BaseAddress = new Uri($"http://127.0.0.1:{process.Port}"),
    };

    /// <summary>Calls the API.</summary>
    /// <returns>The whole answer.</returns>
    internal static async Task<JsonElement> CallAsync(HttpClient http, string method, string body, string key = Key)
    {
        using HttpResponseMessage response = await SendAsync(http, method, body, key);
        response.EnsureSuccessStatusCode();
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        return JsonDocument.Parse(await response.Content.ReadAsStringAsync().Within()).RootElement;
    }

    internal static async Task<HttpResponseMessage> SendAsync(HttpClient http, string method, string body, string? key = Key)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, "/api/" + method)
        {
            Content = new ByteArrayContent(
                Encoding.UTF8.GetBytes(body))
            { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } },
        };
        if (key is not null)
        {
            request.Headers.Add("X-API-Key", key);
        }

        return await http.SendAsync(request).Within();
    }

    internal Task<JsonElement> CallAsync(string method, string body) => CallAsync(Http, method, body);

    internal async Task<(string Epoch, long Offset)> PublishAsync(string room, string json)
    {
        JsonElement result = (await CallAsync("publish", $$"""{"channel":"{{room}}","data":{{json}}}""")).GetProperty("result");
        return (result.GetProperty("epoch").GetString()!, result.GetProperty("offset").GetInt64());
    }
}
