using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Weir.Relay.Brokers;

namespace Weir.Simulation.Clients;

/// <summary>An EventSource, by the HTML standard, section 9.2: it reconnects with the last id that it received.</summary>
internal sealed class SseClient : SimulatedClient
{
    private readonly SimulationWorld _world;
    private readonly string[] _rooms;
    private readonly Dictionary<string, Expectation> _expectations;
    private readonly Func<string, bool> _isNumbered;
    private string _lastId = "";
    private Connection? _connection;
    private int _abortsLeft;

    public SseClient(string name, string[] rooms, SimulationWorld world, Func<string, bool> isNumbered)
        : base(name)
    {
        _world = world;
        _rooms = rooms;
        _isNumbered = isNumbered;
        _abortsLeft = rooms.Length > 1 ? world.Scheduler.Random.Next(6) : 0;
        _expectations = rooms.ToDictionary(static room => room, room => new Expectation(name, room, world, isNumbered(room)));
    }

    public override bool IsIn(NodeModel node, string room)
        => _connection is not null && _expectations.TryGetValue(room, out Expectation? expectation) && expectation.Node == node;

    public override async void Connect(NodeModel node)
    {
        IsConnected = true;
        _world.Note($"{Name} opens a stream of {string.Join("+", _rooms)} on {node.Name} with id '{_lastId}'");
        foreach (Expectation expectation in _expectations.Values)
        {
            expectation.Node = node;
        }

        Connection connection = new(this, _world);
        _connection = connection;
        if (_lastId.Length > 0 && _abortsLeft > 0 && _world.Scheduler.Random.Next(2) == 0)
        {
            _abortsLeft--;
            connection.EventsUntilAbort = _world.Scheduler.Random.Next(1, 4);
        }

        FeatureCollection features = new();
        features.Set<IHttpRequestFeature>(new HttpRequestFeature
        {
            Method = "GET",
            Protocol = "HTTP/1.1",
            Scheme = "http",
            Path = "/sse",
            QueryString = "?" + string.Join("&", _rooms.Select(static room => "room=" + room)),
        });
        features.Set<IHttpResponseFeature>(new HttpResponseFeature());
        features.Set<IHttpResponseBodyFeature>(connection);
        features.Set<IHttpRequestLifetimeFeature>(connection);
        features.Set<IHttpConnectionFeature>(new HttpConnectionFeature());
        DefaultHttpContext http = new(features);
        if (_lastId.Length > 0)
        {
            http.Request.Headers["Last-Event-ID"] = _lastId;
        }

        await node.Sse.InvokeAsync(http);
        if (http.Response.StatusCode != StatusCodes.Status200OK)
        {
            _world.Note($"{Name} is answered {http.Response.StatusCode}");
        }

        connection.End();
    }

    public override void Abort()
    {
        _world.Note($"{Name} is disconnected");
        Connection connection = _connection!;
        _connection = null;
        IsConnected = false;
        connection.Break();
    }

    public override void CheckComplete()
    {
        if (_connection is not { HasBegun: true })
        {
            _world.Violate($"{Name} could not open a stream");
            return;
        }

        foreach (Expectation expectation in _expectations.Values)
        {
            expectation.CheckComplete();
        }
    }

    public override IEnumerable<Expectation> ListeningSince(DateTimeOffset moment, string room)
        => _connection?.Begun < moment && _expectations.TryGetValue(room, out Expectation? expectation) ? [expectation] : [];

    // One event, at its empty line.
    private void OnEvent(Connection connection, string type, string data, string? id)
    {
        if (connection.Begun is null)
        {
            if (id is null && data.Length == 0 && _rooms.Any(_isNumbered))
            {
                return; // a stream may be ended again before its subscriptions begin
            }

            connection.Begun = _world.Scheduler.Clock.GetUtcNow();
            for (int i = 0; i < _rooms.Length; i++)
            {
                if (HasBegun(i, id))
                {
                    _expectations[_rooms[i]].BeginStream();
                }
            }
        }

        _lastId = id ?? _lastId;

        if (data.Length == 0)
        {
            return;
        }

        if (type == "lost")
        {
            using JsonDocument lost = JsonDocument.Parse(data);
            _expectations[lost.RootElement.GetProperty("room").GetString()!].Lose(new StreamPosition(
                lost.RootElement.GetProperty("epoch").GetString()!, lost.RootElement.GetProperty("offset").GetInt64()));
        }
        else if (type.Length == 0)
        {
            _expectations[data[(data.IndexOf('/', StringComparison.Ordinal) + 1)..data.LastIndexOf('-')]].Give(data, reported: null);
        }
    }

    // A stream that ends while its subscriptions begin names no position of the rooms that it did not get to.
    private bool HasBegun(int room, string? id)
    {
        string[] places = (_rooms.Length > 1 ? id?.Split(';').ElementAtOrDefault(1) : id)?.Split(',') ?? [];
        return places.Length != _rooms.Length || !places[room].StartsWith(':');
    }

    // It breaks while the stream catches up: the client reconnects with the id of one of the first events.
    private void AbortAndReconnect()
    {
        Abort();
        _world.Scheduler.After(_world.Scheduler.Between(0, 300), () =>
        {
            if (!IsConnected)
            {
                Connect(_world.Nodes[_world.Scheduler.Random.Next(_world.Nodes.Count)]);
            }
        });
    }

    private void OnEnd(Connection connection)
    {
        if (_connection == connection)
        {
            _world.Note($"{Name}: the stream ends");
            _connection = null;
            IsConnected = false;
        }
    }

#pragma warning disable CA1001 // no timer and no handle behind it: it needs no disposal
    private sealed class Connection : IHttpResponseBodyFeature, IHttpRequestLifetimeFeature
#pragma warning restore CA1001
    {
        private readonly CancellationTokenSource _aborted = new();
        private readonly StringBuilder _line = new();
        private readonly StringBuilder _data = new();
        private readonly SseClient _client;
        private readonly ClientPipe _pipe;
        private readonly SimulationWorld _world;
        private string _type = "";
        private string? _id;
        private bool _isBroken;

        public Connection(SseClient client, SimulationWorld world)
        {
            _client = client;
            _world = world;
            _pipe = new ClientPipe(world.Scheduler, Arrive);
            RequestAborted = _aborted.Token;
        }

        public DateTimeOffset? Begun { get; set; }

        public bool HasBegun => Begun is not null;

        /// <summary>After so many events the connection breaks; 0: it does not.</summary>
        public int EventsUntilAbort { get; set; }

        public Stream Stream => _pipe.AsStream(leaveOpen: true);

        public PipeWriter Writer => _pipe;

        public CancellationToken RequestAborted { get; set; }

        public void Break()
        {
            _isBroken = true;
            _pipe.Break();
            _aborted.Cancel();
        }

        public void Abort() => _world.Scheduler.After(TimeSpan.FromMilliseconds(1), () =>
        {
            Break();
            _client.OnEnd(this);
        });

        // After what was flushed before.
        public void End() => _world.Scheduler.After(TimeSpan.FromMilliseconds(100), () => _client.OnEnd(this));

        public void DisableBuffering()
        {
        }

        public Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

        public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default)
            => throw new NotSupportedException();

        public Task CompleteAsync() => Task.CompletedTask;

        private void Arrive(ReadOnlyMemory<byte> bytes)
        {
            foreach (byte each in bytes.Span)
            {
                if (_isBroken)
                {
                    return;
                }

                if (each != '\n')
                {
                    _line.Append((char)each);
                    continue;
                }

                OnLine(_line.ToString());
                _line.Clear();
            }
        }

        private void OnLine(string line)
        {
            if (line.Length == 0)
            {
                _client.OnEvent(this, _type, _data.ToString(), _id);
                _type = "";
                _data.Clear();
                if (EventsUntilAbort > 0 && --EventsUntilAbort == 0 && !_isBroken)
                {
                    _client.AbortAndReconnect();
                }

                return;
            }

            int colon = line.IndexOf(':', StringComparison.Ordinal);
            string value = line[(colon + 1)..].TrimStart(' ');
            switch (line[..colon])
            {
                case "id":
                    _id = value;
                    break;
                case "event":
                    _type = value;
                    break;
                case "data":
                    _data.Append(value);
                    break;
            }
        }
    }
}
