using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Weir.Testing;

namespace Weir.TestSupport.Processes;

/// <summary>Clients of the npm package <c>centrifuge</c> in a process of their own, Node or Chromium: clients/sdk.mjs.</summary>
public sealed class SdkProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Lock _gate = new();
    private readonly List<JsonElement> _events = [];
    private readonly Dictionary<int, TaskCompletionSource<JsonElement>> _answers = [];
    private readonly List<string> _errors = [];
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _lastId;
    private Action<JsonElement>? _watcher;

    private SdkProcess(string where, JsonObject settings)
    {
        _process = new Process
        {
            StartInfo = new ProcessStartInfo("node", ["sdk.mjs", where, settings.ToJsonString()])
            {
                WorkingDirectory = Repository.Clients,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        _process.OutputDataReceived += (_, line) => Take(line.Data);
        _process.ErrorDataReceived += (_, line) => TakeError(line.Data);
        _process.Exited += (_, _) => TakeError("sdk.mjs has ended");
        _process.Exited += (_, _) => _ready.TrySetException(new InvalidOperationException($"sdk.mjs ended: {ToString()}"));
        _process.EnableRaisingEvents = true;
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>All that has happened, oldest first.</summary>
    public IReadOnlyList<JsonElement> Events
    {
        get
        {
            lock (_gate)
            {
                return [.. _events];
            }
        }
    }

    public bool HasExited => _process.HasExited;

    /// <summary>The last lines of its standard error, for the message of a failure.</summary>
    public string Errors
    {
        get
        {
            lock (_gate)
            {
                return string.Join('\n', _errors.TakeLast(20));
            }
        }
    }

    /// <param name="where">"node" or "chromium".</param>
    /// <param name="settings">See clients/sdk-driver.js.</param>
    public static async Task<SdkProcess> StartAsync(string where, JsonObject settings)
    {
        SdkProcess process = new(where, settings);
        try
        {
            await process._ready.Task.Within(Bounded.StartLimit, "start of the SDK");
            return process;
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>Clients that find a node, or the next one each time they connect.</summary>
    /// <param name="where">"node" or "chromium".</param>
    /// <param name="transport">"websocket", "sse" or "http_stream".</param>
    /// <param name="ports">Of the nodes; commands of clients of streams go to the last.</param>
    public static Task<SdkProcess> StartAsync(string where, string transport, params int[] ports)
        => StartAsync(where, transport, reportsStreams: false, tokens: null, ports);

    /// <inheritdoc cref="StartAsync(string, string, int[])"/>
    /// <param name="where">"node" or "chromium".</param>
    /// <param name="transport">"websocket", "sse" or "http_stream".</param>
    /// <param name="tokens">The tokens that a client's callback returns, one after another; null: no callback.</param>
    /// <param name="ports">Of the nodes; commands of clients of streams go to the last.</param>
    public static Task<SdkProcess> StartAsync(string where, string transport, string[]? tokens, params int[] ports)
        => StartAsync(where, transport, reportsStreams: false, tokens, ports);

    /// <inheritdoc cref="StartAsync(string, string, int[])"/>
    /// <param name="where">"node" or "chromium".</param>
    /// <param name="transport">"websocket", "sse" or "http_stream".</param>
    /// <param name="reportsStreams">Whether the text of streams is among the events; in Node only.</param>
    /// <param name="tokens">The tokens that a client's callback returns, one after another; null: no callback.</param>
    /// <param name="ports">Of the nodes; commands of clients of streams go to the last.</param>
    public static Task<SdkProcess> StartAsync(
        string where, string transport, bool reportsStreams, string[]? tokens, params int[] ports)
    {
        string scheme = transport == "websocket" ? "ws" : "http";
        string[] urls = [.. ports.Select(port => $"{scheme}://127.0.0.1:{port}/connection/{transport}")];
        JsonNode endpoint = transport == "websocket" ? new JsonArray([.. urls.Select(static url => (JsonNode)url)]) : urls[0];
        return StartAsync(where, new JsonObject
        {
            ["page"] = $"http://127.0.0.1:{ports[0]}/health/live",
            ["emulation"] = $"http://127.0.0.1:{ports[^1]}/emulation",
            ["tap"] = reportsStreams,
            ["endpoints"] = new JsonObject { [transport] = endpoint },
            ["tokens"] = tokens is null ? null : new JsonArray([.. tokens.Select(static token => (JsonNode)token)]),
        });
    }

    /// <summary>Hands every event from now on to a callback, one at a time.</summary>
    public void Watch(Action<JsonElement> watcher)
    {
        lock (_gate)
        {
            _watcher = watcher;
        }
    }

    /// <summary>Holds the process: its connections stay, and it does not run.</summary>
    public void Suspend() => Signals.Suspend(_process.Id);

    /// <summary>Continues it after <see cref="Suspend"/>.</summary>
    public void Continue() => Signals.Continue(_process.Id);

    /// <summary>Has a client do something, without waiting for what comes of it.</summary>
    public void Send(JsonObject order)
    {
        lock (_gate)
        {
            order["id"] = ++_lastId;
            _process.StandardInput.WriteLine(order.ToJsonString());
            _process.StandardInput.Flush();
        }
    }

    /// <summary>Has a client do something.</summary>
    /// <param name="order">JSON without the number; its client is "a" where it names none.</param>
    /// <returns>What came of it: has a property <c>result</c>, or <c>error</c> with the SDK's code.</returns>
    public async Task<JsonElement> TryAsync(string order)
    {
        JsonObject sent = JsonNode.Parse(order)!.AsObject();
        sent.TryAdd("client", "a");
        TaskCompletionSource<JsonElement> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            sent["id"] = ++_lastId;
            _answers[_lastId] = answer;
            _process.StandardInput.WriteLine(sent.ToJsonString());
            _process.StandardInput.Flush();
        }

        try
        {
            return await answer.Task.Within(Bounded.DefaultLimit, order);
        }
        catch (TimeoutException error)
        {
            throw new TimeoutException($"{error.Message}\n{this}", error);
        }
    }

    /// <summary>As <see cref="TryAsync"/>, and it must succeed.</summary>
    /// <returns>The result.</returns>
    public async Task<JsonElement> DoAsync(string order)
    {
        JsonElement answer = await TryAsync(order);
        return answer.TryGetProperty("result", out JsonElement result)
            ? result : throw new InvalidOperationException($"{order} came to {answer}\n{this}");
    }

    /// <summary>Waits for an event, however long ago it was.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="isIt">Looks closer; null: the first of that name.</param>
    /// <param name="client">Whose event.</param>
    public async Task<JsonElement> ReceivesAsync(string name, Func<JsonElement, bool>? isIt = null, string client = "a")
    {
        JsonElement found = default;
        try
        {
            await Bounded.Eventually(
                () => (found = EventsOf(name, client).FirstOrDefault(isIt ?? (static _ => true))).ValueKind != JsonValueKind.Undefined,
                Bounded.DefaultLimit,
                $"event {name} of client {client}");
            return found;
        }
        catch (TimeoutException error)
        {
            throw new TimeoutException($"{error.Message}\n{this}", error);
        }
    }

    /// <summary>All events of a name that a client had.</summary>
    public IEnumerable<JsonElement> EventsOf(string name, string client = "a")
        => Events.Where(each => each.GetProperty("event").ValueEquals(name) && each.TryGetProperty("of", out JsonElement of)
            && of.ValueEquals(client));

    /// <summary>The offsets of the publications that a client has received, in their order.</summary>
    public IReadOnlyList<long> OffsetsOf(string channel, string client = "a") =>
    [
        .. EventsOf("publication", client).Where(each => each.GetProperty("channel").ValueEquals(channel))
            .Select(static each => each.GetProperty("offset").GetInt64()),
    ];

    /// <summary>What happened last, for the message of a failure.</summary>
    public override string ToString()
    {
        lock (_gate)
        {
            return string.Join('\n', _events.TakeLast(20).Select(static each => each.ToString()).Concat(_errors.TakeLast(20)));
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync().Within();
        }

        _process.Dispose();
    }

    private void Take(string? line)
    {
        if (line is null)
        {
            return;
        }

        // What a channel carries may be as deep as the server takes, and stands inside an event.
        JsonElement report = JsonDocument.Parse(line, new JsonDocumentOptions { MaxDepth = 128 }).RootElement;
        lock (_gate)
        {
            if (report.TryGetProperty("answer", out JsonElement id))
            {
                if (_answers.TryGetValue(id.GetInt32(), out TaskCompletionSource<JsonElement>? answer))
                {
                    answer.TrySetResult(report);
                }
            }
            else if (report.TryGetProperty("ready", out _))
            {
                _ready.TrySetResult();
            }
            else
            {
                _events.Add(report);
                _watcher?.Invoke(report);
            }
        }
    }

    private void TakeError(string? line)
    {
        if (line is not null)
        {
            lock (_gate)
            {
                _errors.Add(line.ToString(CultureInfo.InvariantCulture));
            }
        }
    }
}
