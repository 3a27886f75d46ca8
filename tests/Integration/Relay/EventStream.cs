using System.Text;
using Weir.Testing;

namespace Weir.Integration.Relay;

/// <summary>One event, as a browser would see it; <paramref name="LastId"/> is the id with which it would reconnect.</summary>
internal sealed record StreamEvent(string Name, string Data, string LastId);

/// <summary>Reads Server-Sent Events by the HTML standard (section 9.2.6). Every wait is bounded.</summary>
internal sealed class EventStream : IDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly StreamReader _reader;

    private EventStream(HttpResponseMessage response, Stream stream)
    {
        _response = response;
        _reader = new StreamReader(stream, Encoding.UTF8);
    }

    public HttpResponseMessage Response => _response;

    public string LastId { get; private set; } = "";

    /// <summary>Milliseconds, if the server sent it.</summary>
    public int? Retry { get; private set; }

    public int Comments { get; private set; }

    /// <summary>Connects and waits until the subscription stands.</summary>
    public static async Task<EventStream> OpenAsync(HttpClient http, string target, string? lastEventId = null)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, target);
        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }

        HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead).Within();
        response.EnsureSuccessStatusCode();
        EventStream stream = new(response, await response.Content.ReadAsStreamAsync().Within());
        while (stream.Comments == 0)
        {
            await stream.TakeLineAsync();
        }

        return stream;
    }

    public async Task<StreamEvent> ReadAsync() => await ReadOrEndAsync() ?? throw new EndOfStreamException("The stream ended.");

    /// <summary>Null at the end of the stream.</summary>
    public async Task<StreamEvent?> ReadOrEndAsync()
    {
        while (true)
        {
            string name = "";
            StringBuilder data = new();
            string? line;
            while ((line = await TakeLineAsync()) is { Length: > 0 })
            {
                if (line.StartsWith("event: ", StringComparison.Ordinal))
                {
                    name = line[7..];
                }
                else if (line.StartsWith("data: ", StringComparison.Ordinal))
                {
                    data.Append(line.AsSpan(6)).Append('\n');
                }
            }

            if (line is null)
            {
                return null;
            }

            if (data.Length > 0)
            {
                return new StreamEvent(name, data.ToString(0, data.Length - 1), LastId);
            }
        }
    }

    /// <summary>Waits for the next comment, without skipping events.</summary>
    public async Task ReadCommentAsync()
    {
        int before = Comments;
        while (Comments == before)
        {
            string? line = await TakeLineAsync();
            Xunit.Assert.True(line is "" or [':', ..], line);
        }
    }

    public void Dispose()
    {
        _reader.Dispose();
        _response.Dispose();
    }

    private async Task<string?> TakeLineAsync()
    {
        string? line = await _reader.ReadLineAsync().Within();
        switch (line)
        {
            case [':', ..]:
                Comments++;
                break;
            case not null when line.StartsWith("id: ", StringComparison.Ordinal):
                LastId = line[4..];
                break;
            case not null when line.StartsWith("retry: ", StringComparison.Ordinal):
                Retry = int.Parse(line.AsSpan(7), System.Globalization.CultureInfo.InvariantCulture);
                break;
        }

        return line;
    }
}
