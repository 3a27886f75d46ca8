using System.Text.Json;
using System.Text.Json.Nodes;
using Weir.TestSupport.Processes;

namespace Weir.Chaos.Matrix;

/// <summary>
/// What a subscriber by the official JavaScript SDK of Centrifugo's protocol gave to its application; many of one transport share a
/// process. What was sent to a client of a stream is another listener, <see cref="SdkStreamListener"/>.
/// </summary>
internal sealed class SdkListener(SdkListeners process, Way way, string name, string room) : ClientListener(way, room)
{
    private readonly Queue<string> _last = new();
    private string _epoch = "";
    private bool _wasSubscribed;

    public override void Start() => process.Subscribe(name, room);

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask; // the process is disposed with all of its clients

    /// <summary>With what happened last, for the message of a failure.</summary>
    public override string ToString() => $"{base.ToString()} ({string.Join(' ', _last)}{process.End})";

    public void Take(JsonElement happened)
    {
        _last.Enqueue(happened.ToString());
        if (_last.Count > 12)
        {
            _last.Dequeue();
        }

        switch (happened.GetProperty("event").GetString())
        {
            case "connected":
                OnConnected();
                break;
            case "subscribed":
                OnSubscribed(happened);
                break;
            case "publication":
                long offset = SdkListeners.OffsetOf(happened);
                OnMessage(room, offset > 0 ? new Position(_epoch, offset) : null, happened.GetProperty("data").GetString()!);
                break;
        }
    }

    private void OnSubscribed(JsonElement happened)
    {
        Position? position = SdkListeners.PositionOf(happened, "streamPosition");
        _epoch = position?.Epoch ?? _epoch;
        if (_wasSubscribed && !happened.GetProperty("recovered").GetBoolean())
        {
            OnLost(room, position);
        }

        _wasSubscribed = true;
        OnListening(room);
    }
}

/// <summary>
/// What was sent to a client of the official JavaScript SDK by a stream, in the order of the bytes. The SDK gives publications of a
/// burst to its application in another order, so that only this shows the server's (findings/centrifuge-js-stream-burst-order.sh).
/// </summary>
/// <remarks>
/// A client continues from what it has processed, which may be less than has arrived; a resumption is checked from the position that it
/// named.
/// </remarks>
internal sealed class SdkStreamListener(string transport, string room) : ClientListener(Way.Sdk(transport), room)
{
    private string _epoch = "";
    private bool _wasSubscribed;

    public override void Start()
    {
        // It begins with the client whose stream this is.
    }

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public void Take(JsonElement happened)
    {
        switch (happened.GetProperty("event").GetString())
        {
            case "wire connected":
                OnConnected();
                break;
            case "wire subscribed":
                OnSubscribed(happened);
                break;
            case "wire publication":
                long offset = SdkListeners.OffsetOf(happened);
                OnMessage(room, offset > 0 ? new Position(_epoch, offset) : null, happened.GetProperty("data").GetString()!);
                break;
        }
    }

    private void OnSubscribed(JsonElement happened)
    {
        Position? position = SdkListeners.PositionOf(happened, "position");
        _epoch = position?.Epoch ?? _epoch;
        if (happened.GetProperty("recovered").GetBoolean())
        {
            OnResumed(room, SdkListeners.PositionOf(happened, "from")!.Value);
        }
        else if (_wasSubscribed)
        {
            OnLost(room, position);
        }
        else if (position is { } first)
        {
            OnResumed(room, first);
        }

        _wasSubscribed = true;
        OnListening(room);
    }
}

/// <summary>A Node.js process with the SDK's clients of one transport.</summary>
internal sealed class SdkListeners : IAsyncDisposable
{
    private readonly Dictionary<string, (SdkListener Application, SdkStreamListener? Stream)> _listeners = [];
    private readonly SdkProcess _process;
    private readonly string _transport;

    private SdkListeners(SdkProcess process, string transport)
    {
        _process = process;
        _transport = transport;
    }

    /// <summary>How the process ended, for the message of a failure; empty while it runs.</summary>
    public string End => _process.HasExited ? $" The process has ended: {_process.Errors}" : "";

    public static async Task<SdkListeners> StartAsync(string transport, int port)
        => new(await SdkProcess.StartAsync("node", transport, reportsStreams: transport != "websocket", tokens: null, port), transport);

    public static long OffsetOf(JsonElement happened) => happened.TryGetProperty("offset", out JsonElement offset) ? offset.GetInt64() : 0;

    /// <summary>Returns the position that a property of an event names; <c>null</c> if there is none.</summary>
    public static Position? PositionOf(JsonElement happened, string property)
        => happened.TryGetProperty(property, out JsonElement at) && at.ValueKind == JsonValueKind.Object
            ? new Position(at.GetProperty("epoch").GetString()!, at.GetProperty("offset").GetInt64()) : null;

    /// <summary>Adds a client. Returns its listeners.</summary>
    public IEnumerable<ClientListener> Add(string room)
    {
        string name = $"c{_listeners.Count}";
        Way way = Way.Sdk(_transport);
        bool isStream = _transport != "websocket";
        SdkListener application = new(this, isStream ? Way.Application(way) : way, name, room);
        SdkStreamListener? stream = isStream ? new(_transport, room) : null;
        _listeners.Add(name, (application, stream));
        return stream is null ? [application] : [stream, application];
    }

    /// <summary>Begins to hand out what happens; once, when all have been added.</summary>
    public void Watch() => _process.Watch(happened =>
    {
        if (happened.TryGetProperty("of", out JsonElement of)
            && _listeners.TryGetValue(of.GetString()!, out (SdkListener Application, SdkStreamListener? Stream) listener))
        {
            listener.Application.Take(happened);
            listener.Stream?.Take(happened);
        }
    });

    /// <summary>Holds the process for a time: it neither reads nor sends, and its timers do not run.</summary>
    public async Task PauseAsync(TimeSpan time)
    {
        _process.Suspend();
        await Task.Delay(time, TimeProvider.System, CancellationToken.None);
        _process.Continue();
    }

    public void Subscribe(string name, string room)
    {
        Order(name, "connect", null);
        Order(name, "subscribe", room);
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    // The events show the result of the order.
    private void Order(string name, string what, string? room)
    {
        JsonObject order = new() { ["client"] = name, ["do"] = what };
        if (room is not null)
        {
            order["channel"] = room;
            order["with"] = new JsonObject { ["recoverable"] = true, ["positioned"] = true };
        }

        _process.Send(order);
    }
}
