using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Weir.Chaos.Matrix;

/// <summary>
/// A subscriber by Centrifugo's protocol over HTTP streaming, with the streams of all such clients on one connection of HTTP/2.
/// </summary>
/// <param name="streams">Requests the streams.</param>
/// <param name="commands">Sends the commands; another connection, so that they may come to another node than the stream.</param>
/// <param name="origin">Of the nodes.</param>
/// <param name="room">What it subscribes to.</param>
internal sealed class HttpStreamClient(HttpClient streams, HttpClient commands, Uri origin, string room)
    : ReturningListener(Way.HttpStreamOverHttp2, room)
{
    // Pings are 25 s apart by default, and a client waits 10 s longer for one.
    private static readonly TimeSpan _silence = TimeSpan.FromSeconds(35);

    // A command that was passed on to another node may be lost on the way, and has no answer then. As the SDK has it.
    private static readonly TimeSpan _answerLimit = TimeSpan.FromSeconds(5);

    private Position? _position;
    private string _session = "";
    private string _node = "";
    private bool _answersPings;
    private bool _isSubscribing;

    protected override async Task ListenOnceAsync(CancellationToken end)
    {
        using CancellationTokenSource idle = CancellationTokenSource.CreateLinkedTokenSource(end);
        idle.CancelAfter(_silence);
        JsonObject connect = new() { ["id"] = 1, ["connect"] = new JsonObject() };
        using HttpRequestMessage request = Post(streams, "/connection/http_stream", connect);
        using HttpResponseMessage response = await streams.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, idle.Token);
        response.EnsureSuccessStatusCode();
        using StreamReader reader = new(await response.Content.ReadAsStreamAsync(idle.Token));
        while (await reader.ReadLineAsync(idle.Token) is { } line && await TakeAsync(JsonDocument.Parse(line).RootElement, idle))
        {
            if (!_isSubscribing)
            {
                idle.CancelAfter(_silence); // while it waits for an answer, pings do not lengthen that
            }
        }
    }

    // Returns whether the stream continues.
    private async Task<bool> TakeAsync(JsonElement reply, CancellationTokenSource idle)
    {
        if (reply.TryGetProperty("connect", out JsonElement connect))
        {
            OnConnected();
            _session = connect.GetProperty("session").GetString()!;
            _node = connect.GetProperty("node").GetString()!;
            _answersPings = connect.TryGetProperty("pong", out JsonElement pong) && pong.GetBoolean();
            await SubscribeAsync(idle);
        }
        else if (reply.TryGetProperty("subscribe", out JsonElement subscribed))
        {
            OnSubscribed(subscribed);
        }
        else if (reply.TryGetProperty("push", out JsonElement push))
        {
            if (push.TryGetProperty("pub", out JsonElement publication))
            {
                OnPublication(publication);
            }
            else if (push.TryGetProperty("unsubscribe", out _))
            {
                await SubscribeAsync(idle);
            }
            else if (push.TryGetProperty("disconnect", out _))
            {
                return false;
            }
        }
        else if (reply.TryGetProperty("error", out _))
        {
            return false; // a temporary one: another connection tries again
        }
        else if (_answersPings)
        {
            await SendAsync(new JsonObject(), idle.Token);
        }

        return true;
    }

    private Task SubscribeAsync(CancellationTokenSource idle)
    {
        JsonObject subscribe = new() { ["channel"] = room, ["recoverable"] = true, ["positioned"] = true };
        if (_position is { } position)
        {
            subscribe["recover"] = true;
            subscribe["epoch"] = position.Epoch;
            subscribe["offset"] = position.Offset;
        }

        _isSubscribing = true;
        idle.CancelAfter(_answerLimit);
        return SendAsync(new JsonObject { ["id"] = 2, ["subscribe"] = subscribe }, idle.Token);
    }

    private void OnSubscribed(JsonElement subscribed)
    {
        string epoch = subscribed.GetProperty("epoch").GetString()!;
        Position now = new(epoch, subscribed.TryGetProperty("offset", out JsonElement offset) ? offset.GetInt64() : 0);
        bool isRecovered = subscribed.TryGetProperty("recovered", out JsonElement recovered) && recovered.GetBoolean();
        if (_position is null)
        {
            OnResumed(room, now);
        }
        else if (!isRecovered)
        {
            OnLost(room, now);
        }

        // With publications the reply's own position is that of the last of them.
        _position = now;
        _isSubscribing = false;
        if (subscribed.TryGetProperty("publications", out JsonElement publications))
        {
            foreach (JsonElement publication in publications.EnumerateArray())
            {
                OnPublication(publication);
            }
        }

        OnListening(room);
    }

    private void OnPublication(JsonElement publication)
    {
        Position? position = publication.TryGetProperty("offset", out JsonElement offset)
            ? new Position(_position!.Value.Epoch, offset.GetInt64()) : null;
        _position = position ?? _position;
        OnMessage(room, position, publication.GetProperty("data").GetString()!);
    }

    private async Task SendAsync(JsonObject command, CancellationToken end)
    {
        JsonObject body = new() { ["session"] = _session, ["node"] = _node, ["data"] = command.ToJsonString() };
        using HttpRequestMessage request = Post(commands, "/emulation", body);
        using HttpResponseMessage response = await commands.SendAsync(request, end);
        response.EnsureSuccessStatusCode();
    }

    private HttpRequestMessage Post(HttpClient http, string path, JsonObject body) => new(HttpMethod.Post, new Uri(origin, path))
    {
        Version = http.DefaultRequestVersion,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"),
    };
}
