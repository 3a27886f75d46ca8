using System.Text.Json;
using System.Text.Json.Nodes;
using Weir.Integration.Centrifugo;

namespace Weir.Chaos.Matrix;

/// <summary>A subscriber by the official JavaScript SDK of Centrifugo's protocol; many of one transport share a process.</summary>
internal sealed class SdkListener(SdkListeners process, string transport, string name, string room) : ClientListener(Way.Sdk(transport), room)
{
    private string _epoch = "";
    private readonly Queue<string> _last = new();
    private bool _wasSubscribed;

    public override void Start() => process.Subscribe(name, room);

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask; // the process is disposed with all of its clients

    /// <summary>With what happened last, for the message of a failure.</summary>
    public override string ToString() => $"{base.ToString()} ({string.Join(' ', _last)})";

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
                Position? position = happened.TryGetProperty("offset", out JsonElement offset) && offset.GetInt64() > 0
                    ? new Position(_epoch, offset.GetInt64()) : null;
                OnMessage(room, position, happened.GetProperty("data").GetString()!);
                break;
        }
    }

    private void OnSubscribed(JsonElement happened)
    {
        Position? position = happened.TryGetProperty("streamPosition", out JsonElement at)
            ? new Position(at.GetProperty("epoch").GetString()!, at.GetProperty("offset").GetInt64()) : null;
        _epoch = position?.Epoch ?? _epoch;
        if (_wasSubscribed && !happened.GetProperty("recovered").GetBoolean())
        {
            OnLost(room, position);
        }

        _wasSubscribed = true;
        OnListening(room);
    }
}

/// <summary>A Node.js process with the SDK's clients of one transport.</summary>
internal sealed class SdkListeners : IAsyncDisposable
{
    private readonly Dictionary<string, SdkListener> _listeners = [];
    private readonly SdkProcess _process;
    private readonly string _transport;

    private SdkListeners(SdkProcess process, string transport)
    {
        _process = process;
        _transport = transport;
    }

    public static async Task<SdkListeners> StartAsync(string transport, int port)
        => new(await SdkProcess.StartAsync("node", transport, port), transport);

    public SdkListener Add(string room)
    {
        string name = $"c{_listeners.Count}";
        SdkListener listener = new(this, _transport, name, room);
        _listeners.Add(name, listener);
        return listener;
    }

    /// <summary>Begins to hand out what happens; once, when all have been added.</summary>
    public void Watch() => _process.Watch(happened =>
    {
        if (happened.TryGetProperty("of", out JsonElement of) && _listeners.TryGetValue(of.GetString()!, out SdkListener? listener))
        {
            listener.Take(happened);
        }
    });

    public void Subscribe(string name, string room)
    {
        Order(name, "connect", null);
        Order(name, "subscribe", room);
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    // What the order comes to shows in the events.
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
