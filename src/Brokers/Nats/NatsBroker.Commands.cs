using System.Collections.Concurrent;
using Weir.Brokers.Nats.Announcing;
using Weir.Brokers.Nats.Connection;
using Weir.Brokers.Nats.Logs;
using Weir.Brokers.Nats.Presence;
using Weir.Brokers.Nats.Streams;
using Weir.Brokers.Nats.Subjects;
using Weir.Brokers.Nats.Wire;
using Weir.Relay.Brokers;
using Weir.Relay.Wire;

namespace Weir.Brokers.Nats;

public sealed partial class NatsBroker
{
    /// <summary>
    /// The presence of a room is this many messages, by its clients' ids. Each may be as large as the server's max_payload: some 40,000
    /// clients of 200 bytes at its default.
    /// </summary>
    private const int PresenceBuckets = 8;

    /// <summary>The writers of at most this many subjects are kept.</summary>
    private const int MaxWriters = 1 << 14;

    /// <summary>The most bytes of a message besides a single publication or control message.</summary>
    private const int Overhead = 2048;

    /// <inheritdoc />
    public async ValueTask<StreamPosition> PublishAsync(
        string room, Publication publication, RoomRule rule, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        ArgumentNullException.ThrowIfNull(publication);
        CheckRule(rule);
        byte[] body = PublicationBody.Encode(publication);
        CheckSize(body.Length);
        if (!rule.KeepsHistory)
        {
            await AnnounceAsync(Names.RoomOf(Names.TokenOf(room)), MessageType.Publications, body, cancellationToken);
            return new StreamPosition("", 0);
        }

        return await WriteAsync(room, LogOperationKind.Publish, rule, cancellationToken, body, publication.IsAfterLoss);
    }

    /// <inheritdoc />
    public ValueTask<StreamPosition> SkipAsync(string room, RoomRule rule, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        CheckRule(rule);
        return new(WriteAsync(room, LogOperationKind.Skip, rule, cancellationToken));
    }

    /// <inheritdoc />
    public async ValueTask<RoomHistory> ReadHistoryAsync(
        string room, HistoryQuery query, RoomRule rule, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        CheckRule(rule);
        return rule.KeepsHistory
            ? await RunAsync<RoomHistory>(result => _ = FinishAsync(result, ReadAsync(room, query, rule)), cancellationToken)
            : new RoomHistory([], new StreamPosition("", 0));
    }

    /// <inheritdoc />
    public async ValueTask RemoveHistoryAsync(string room, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        // Before too: a server that is full takes no message until some are gone.
        await RunAsync<bool>(result => _ = FinishAsync(result, PurgeAsync(room)), cancellationToken);
        await WriteAsync(room, LogOperationKind.Remove, rule: null, cancellationToken);
        await RunAsync<bool>(result => _ = FinishAsync(result, PurgeAsync(room)), cancellationToken);
    }

    /// <inheritdoc />
    public async ValueTask SetPresenceAsync(string room, RoomMember member, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        ArgumentNullException.ThrowIfNull(member);
        ArgumentOutOfRangeException.ThrowIfLessThan(lifetime, TimeSpan.FromMilliseconds(1));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lifetime, StreamSet.LongestPresence);
        await RunAsync<bool>(
            result => WritePresence(room, member.Client, new PresenceOperation(result, member.Client, member, lifetime)),
            cancellationToken);
    }

    /// <inheritdoc />
    public async ValueTask RemovePresenceAsync(string room, string client, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        ArgumentNullException.ThrowIfNull(client);
        await RunAsync<bool>(result => WritePresence(room, client, new PresenceOperation(result, client)), cancellationToken);
    }

    /// <inheritdoc />
    public async ValueTask<IReadOnlyList<RoomMember>> ReadPresenceAsync(string room, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        return await RunAsync<IReadOnlyList<RoomMember>>(
            result => _ = FinishAsync(result, ReadPresenceAsync(room)), cancellationToken);
    }

    /// <inheritdoc />
    public async ValueTask SendControlAsync(string? node, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        IBrokerSink sink = _sink ?? throw new InvalidOperationException("The broker has not been started.");
        CheckSize(message.Length);
        RecordWriter writer = new(MessageType.Control);
        writer.Write(sink.NodeId);
        writer.WriteRest(message.Span);
        if (node is null)
        {
            await AnnounceAsync(Names.AllNodes, MessageType.Control, writer.Written[2..].ToArray(), cancellationToken);
            return;
        }

        // A request: the server replies if the node has no subscription, and else the node does.
        Session session = _session ?? throw new BrokerUnavailableException("NATS is unavailable.", isUnknown: false);
        Reply reply = await session.RequestAsync(Names.ControlOf(node), writer.Written).WaitAsync(cancellationToken);
        if (reply.Status == 503)
        {
            throw new BrokerUnavailableException($"Node {node} has no connection to NATS now.", isUnknown: false);
        }
    }

    private void CheckRule(RoomRule rule)
    {
        if (_options.RefusalOf(rule) is { } refusal)
        {
            throw new ArgumentException(refusal, nameof(rule));
        }
    }

    private void CheckSize(int length)
    {
        if (_session?.Server.MaxPayload is int most && length > most - Overhead)
        {
            throw new BrokerUnavailableException(
                $"The message has {length} bytes, and the server's max_payload is {most}, of which {Overhead} are needed.", isUnknown: false);
        }
    }

    private Task<bool> AnnounceAsync(string subject, MessageType type, byte[] body, CancellationToken cancellationToken)
        => RunAsync<bool>(
            result => (_outgoing ?? throw new BrokerUnavailableException("NATS is unavailable.", isUnknown: false))
                .Add(new OutgoingMessage(subject, type, body, result)),
            cancellationToken);

    private Task<StreamPosition> WriteAsync(
        string room,
        LogOperationKind kind,
        RoomRule? rule,
        CancellationToken cancellationToken,
        byte[]? body = null,
        bool isAfterLoss = false)
        => RunAsync<StreamPosition>(
            result => WriteLog(room, new LogOperation(result, kind, rule, body, isAfterLoss)), cancellationToken);

    /// <summary>Counts a request, and bounds its time.</summary>
    private async Task<T> RunAsync<T>(Action<PendingReply<T>> begin, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Enter();
        PendingReply<T> result = new(_options.RequestTimeout);
        _timeouts.Add(result);
        try
        {
            begin(result);
            return await (cancellationToken.CanBeCanceled ? result.Task.WaitAsync(cancellationToken) : result.Task);
        }
        finally
        {
            _timeouts.TryRemove(result);
            Leave();
        }
    }

    private static async Task FinishAsync<T>(PendingReply<T> result, Task<T> work)
    {
        try
        {
            result.TryComplete(await work);
        }
        catch (BrokerUnavailableException error)
        {
            result.TryFail(error);
        }
        catch (Exception error) when (error is InvalidDataException or System.Text.Json.JsonException)
        {
            result.TryFail(new BrokerUnavailableException($"A reply of NATS cannot be read: {error.Message}", isUnknown: false, error));
        }
    }

    private Storage RequireStorage()
        => _storage ?? throw new BrokerUnavailableException("JetStream is unavailable.", isUnknown: false);

    private async Task<RoomHistory> ReadAsync(string room, HistoryQuery query, RoomRule rule)
    {
        string token = Names.TokenOf(room);
        int shard = Names.ShardOf(token);
        string subject = Names.LogOf(token, shard);
        bool hasOpened = false;
        while (true)
        {
            Storage storage = RequireStorage();
            StreamState stream = storage.Streams.Logs[shard];
            StoredMessage? last = await storage.JetStream.ReadLastAsync(stream, subject);
            // Written once at most: a read in the moment of another change of the line answers with what it finds.
            if (last is not null && (hasOpened || IsCurrent(storage, stream, last)))
            {
                return await ReadHistoryAsync(storage, stream, last, query, rule);
            }

            hasOpened = true;
            PendingReply<StreamPosition> opened = new(_options.RequestTimeout);
            WriteLog(room, new LogOperation(opened, LogOperationKind.Open, rule));
            await opened.Task;
        }
    }

    // A few rooms at a time, so that of many clients that return together some are answered in time, and not none.
    private async Task<RoomHistory> ReadHistoryAsync(
        Storage storage, StreamState stream, StoredMessage last, HistoryQuery query, RoomRule rule)
    {
        LogCache cache = _cache is { } known && known.Storage == storage ? known : _cache = new LogCache(storage);
        await _reading.WaitAsync();
        try
        {
            return await LogReader.ReadAsync(cache, stream, last, query, rule);
        }
        finally
        {
            _reading.Release();
        }
    }

    private static bool IsCurrent(Storage storage, StreamState stream, StoredMessage last)
        => LogRecord.Read(last.Body).State.Line == storage.Line
            && (stream.MaxAge == TimeSpan.Zero || storage.Clock.Now - last.StoredAt < stream.MaxAge.TotalMilliseconds / 2);

    // What was removed is not only hidden. The last message stays: without it the server would begin the subject anew.
    private async Task<bool> PurgeAsync(string room)
    {
        Storage storage = RequireStorage();
        string token = Names.TokenOf(room);
        int shard = Names.ShardOf(token);
        string subject = Names.LogOf(token, shard);
        if (await storage.JetStream.ReadLastAsync(storage.Streams.Logs[shard], subject) is { } last)
        {
            System.Text.Json.JsonElement reply = await storage.JetStream.AskAsync(
                "STREAM.PURGE." + storage.Streams.Logs[shard].Name,
                System.Text.Encoding.UTF8.GetBytes($$"""{"filter":"{{subject}}","keep":1}"""));
            if (JetStream.ErrorOf(reply) is { } error)
            {
                throw new BrokerUnavailableException($"NATS refused to purge: {error.Text}.", isUnknown: false);
            }
        }

        return true;
    }

    private async Task<IReadOnlyList<RoomMember>> ReadPresenceAsync(string room)
    {
        Storage storage = RequireStorage();
        string token = Names.TokenOf(room);
        StoredMessage?[] messages = await Task.WhenAll(Enumerable.Range(0, PresenceBuckets).Select(
            bucket => storage.JetStream.ReadLastAsync(storage.Streams.Presence, Names.PresenceOf(token, bucket))));
        long now = storage.Clock.Now;
        List<RoomMember> members = [];
        for (int bucket = 0; bucket < messages.Length; bucket++)
        {
            bool areOver = false;
            foreach (PresentClient client in messages[bucket] is { } message ? PresenceDocument.Read(message.Body) : [])
            {
                if (client.Until > now)
                {
                    members.Add(client.Member);
                }
                else
                {
                    areOver = true;
                }
            }

            if (areOver)
            {
                // Clients whose node has gone leave at the next access; the answer does not wait for it.
                WritePresence(room, token, bucket, new PresenceOperation(new PendingReply<bool>(_options.RequestTimeout), client: null));
            }
        }

        return members;
    }

    private void WriteLog(string room, LogOperation operation)
    {
        LogWriter writer;
        while (!(writer = LogOf(room)).TryEnqueue(operation))
        {
            // It was retired in this moment; the next one is new.
            _logs.TryRemove(new KeyValuePair<string, LogWriter>(room, writer));
        }
    }

    private LogWriter LogOf(string room)
    {
        if (_logs.TryGetValue(room, out LogWriter? writer))
        {
            return writer;
        }

        Retire(_logs);
        return _logs.GetOrAdd(
            room,
            static (name, broker) =>
            {
                string token = Names.TokenOf(name);
                int shard = broker.Names.ShardOf(token);
                Unstored unstored = new(broker, broker.Names.RoomOf(token));
                return new LogWriter(broker.Names.LogOf(token, shard), shard, broker._context, unstored);
            },
            this);
    }

    private void WritePresence(string room, string client, PresenceOperation operation)
        => WritePresence(room, Names.TokenOf(room), Names.BucketOf(client, PresenceBuckets), operation);

    private void WritePresence(string room, string token, int bucket, PresenceOperation operation)
    {
        string subject = Names.PresenceOf(token, bucket);
        while (true)
        {
            Retire(_presences);
            PresenceWriter writer = _presences.GetOrAdd(
                subject,
                static (name, of) => new PresenceWriter(name, of.broker._context, of.broker.AnnouncePresenceOf(of.announced)),
                (broker: this, announced: Names.RoomOf(token)));
            if (writer.TryEnqueue(operation))
            {
                return;
            }

            _presences.TryRemove(new KeyValuePair<string, PresenceWriter>(subject, writer));
        }
    }

    private Func<RoomMember, bool, Task> AnnouncePresenceOf(string subject) => (member, hasJoined) =>
    {
        PendingReply<bool> announced = new(_options.RequestTimeout);
        OutgoingMessage message = new(subject, hasJoined ? MessageType.Joined : MessageType.Left, MemberBody.Encode(member), announced);
        if (_outgoing is { } outgoing)
        {
            outgoing.Add(message);
        }
        else
        {
            announced.TryFail(new BrokerUnavailableException("NATS is unavailable.", isUnknown: true));
        }

        return announced.Task;
    };

    private static void Retire<TWriter>(ConcurrentDictionary<string, TWriter> writers)
        where TWriter : class
    {
        if (writers.Count < MaxWriters)
        {
            return;
        }

        foreach ((string subject, TWriter writer) in writers)
        {
            if (writer is LogWriter log ? log.TryRetire() : writer is PresenceWriter presence && presence.TryRetire())
            {
                writers.TryRemove(new KeyValuePair<string, TWriter>(subject, writer));
            }
        }
    }

    /// <summary>Announces the publications of one room that are not stored.</summary>
    private sealed class Unstored(NatsBroker broker, string subject) : IUnstoredAnnouncer
    {
        public void AnnounceUnstored(LogOperation operation)
        {
            if (broker._outgoing is not { } outgoing)
            {
                operation.Fail(new BrokerUnavailableException("NATS is unavailable.", isUnknown: false));
                return;
            }

            PendingReply<bool> announced = new(broker._options.RequestTimeout);
            outgoing.Add(new OutgoingMessage(subject, MessageType.Publications, operation.Body, announced));
            _ = FinishAsync(operation.Result, PositionAsync(announced.Task));
        }

        private static async Task<StreamPosition> PositionAsync(Task<bool> announced)
        {
            await announced;
            return new StreamPosition("", 0);
        }
    }
}
