using System.Runtime.CompilerServices;

namespace Weir.Chaos;

/// <summary>An event of a stream, as <c>text/event-stream</c> has it.</summary>
/// <param name="Id">Its id; <c>null</c>: it has none.</param>
/// <param name="Type">Its type; empty: a message.</param>
/// <param name="Data">Its data, lines divided by LF; <c>null</c>: it has none, as one that only sets the id.</param>
internal sealed record StreamEvent(string? Id, string Type, string? Data);

/// <summary>Streams of Server-Sent Events, read as a browser does (HTML standard, section 9.2).</summary>
internal static class EventStream
{
    /// <summary>Requests a stream and yields its events until it ends. A truncated event is discarded.</summary>
    /// <param name="http">Sends the request; its version of HTTP is the only one that is used.</param>
    /// <param name="address">Of the stream.</param>
    /// <param name="lastId">The id that the client returns with; empty: none.</param>
    /// <param name="silence">
    /// How long the server may send nothing, heartbeats included; then <see cref="OperationCanceledException"/>.
    /// </param>
    /// <param name="onOpen">Called when the stream has begun.</param>
    /// <param name="end">Ends it.</param>
    public static async IAsyncEnumerable<StreamEvent> ReadAsync(
        HttpClient http, Uri address, string lastId, TimeSpan silence, Action onOpen, [EnumeratorCancellation] CancellationToken end)
    {
        using CancellationTokenSource idle = CancellationTokenSource.CreateLinkedTokenSource(end);
        idle.CancelAfter(silence);
        using HttpRequestMessage request = new(HttpMethod.Get, address)
        {
            Version = http.DefaultRequestVersion,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        request.Headers.Accept.ParseAdd("text/event-stream");
        if (lastId.Length > 0)
        {
            request.Headers.Add("Last-Event-ID", lastId);
        }

        using HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, idle.Token);
        response.EnsureSuccessStatusCode();
        onOpen();
        using StreamReader reader = new(await response.Content.ReadAsStreamAsync(idle.Token));
        string? id = null;
        string? data = null;
        string type = "";
        while (await reader.ReadLineAsync(idle.Token) is { } line)
        {
            idle.CancelAfter(silence);
            if (line.Length == 0)
            {
                yield return new StreamEvent(id, type, data);
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
}
