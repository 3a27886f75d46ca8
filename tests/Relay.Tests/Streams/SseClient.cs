using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Weir.Relay.Streams;
using Weir.Testing;

namespace Weir.Relay.Tests.Streams;

/// <summary>One event of a browser. <paramref name="Id"/> is the last id after it.</summary>
internal sealed record SeenEvent(string Name, string Data, string Id);

/// <summary>A request for a stream, served by an endpoint without a network, and what was written to it.</summary>
internal sealed class SseClient : IHttpRequestLifetimeFeature, IHttpResponseBodyFeature, IDisposable
{
    private readonly CancellationTokenSource _gone = new();
    private readonly DefaultHttpContext _http = new();

    private SseClient(string query, string? lastId, string? accept)
    {
        _http.Request.Method = "GET";
        _http.Request.Path = "/sse";
        _http.Request.QueryString = new QueryString(query);
        _http.Request.Headers["Last-Event-ID"] = lastId;
        _http.Request.Headers.Accept = accept;
        _http.Features.Set<IHttpRequestLifetimeFeature>(this);
        _http.Features.Set<IHttpResponseBodyFeature>(this);
        RequestAborted = _gone.Token;
    }

    public StallingPipeWriter Output { get; } = new();

    public CancellationToken RequestAborted { get; set; }

    public Stream Stream => Output.AsStream();

    public PipeWriter Writer => Output;

    public HttpResponse Response => _http.Response;

    /// <summary>The request, until it has been served.</summary>
    public Task Serving { get; private set; } = Task.CompletedTask;

    public string Text => Encoding.UTF8.GetString(Output.Sent);

    /// <summary>What a browser would return with; empty: no id has come.</summary>
    public string LastId => Events is [.., { } last] ? last.Id : "";

    /// <summary>Whole events, those without data too.</summary>
    public IReadOnlyList<SeenEvent> Events => Parse(Text);

    public static SseClient Open(SseEndpoint endpoint, string query, string? lastId = null, string? accept = "text/event-stream")
    {
        SseClient client = new(query, lastId, accept);
        client.Serving = Task.Run(() => endpoint.InvokeAsync(client._http));
        return client;
    }

    /// <summary>Waits until the subscriptions stand.</summary>
    public Task IsOpenAsync() => Bounded.Eventually(() => Text.Contains(":\n\n", StringComparison.Ordinal), what: "an open stream");

    public static IReadOnlyList<SeenEvent> Parse(string text)
    {
        List<SeenEvent> events = [];
        string id = "";
        string[] blocks = text.Split("\n\n");
        foreach (string block in blocks[..^1]) // what is behind the last blank line is not dispatched
        {
            string name = "";
            List<string> data = [];
            foreach (string line in block.Split('\n'))
            {
                if (line.StartsWith("id: ", StringComparison.Ordinal))
                {
                    id = line[4..];
                }
                else if (line.StartsWith("event: ", StringComparison.Ordinal))
                {
                    name = line[7..];
                }
                else if (line.StartsWith("data: ", StringComparison.Ordinal))
                {
                    data.Add(line[6..]);
                }
            }

            events.Add(new SeenEvent(name, string.Join('\n', data), id));
        }

        return events;
    }

    public void Abort() => _gone.Cancel();

    public void DisableBuffering()
    {
    }

    public Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default)
        => throw new NotSupportedException();

    public Task CompleteAsync() => Task.CompletedTask;

    public void Dispose() => _gone.Dispose();
}
