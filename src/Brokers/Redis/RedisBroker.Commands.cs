using System.Buffers.Text;
using System.Text;
using StackExchange.Redis;
using Weir.Brokers.Redis.Diagnostics;
using Weir.Brokers.Redis.Wire;
using Weir.Relay.Brokers;
using Weir.Relay.Wire;
using Weir.Timing;
using StreamPosition = Weir.Relay.Brokers.StreamPosition;

namespace Weir.Brokers.Redis;

public sealed partial class RedisBroker
{
    /// <inheritdoc />
    public async ValueTask<StreamPosition> PublishAsync(
        string room, Publication publication, RoomRule rule, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        ArgumentNullException.ThrowIfNull(publication);
        ArgumentNullException.ThrowIfNull(rule);
        if (!rule.KeepsHistory)
        {
            await RunAsync(
                static (session, of) => session.Database.PublishAsync(
                    session.KeysOf(of.room).PubSubChannel, Announcement.OfPublication(of.publication)),
                (room, publication),
                cancellationToken);
            return new StreamPosition("", 0);
        }

        RedisResult reply = await RunAsync(
            static (session, of) =>
            {
                RoomKeys keys = session.KeysOf(of.room);
                RedisValue[] arguments =
                [
                    PublicationBody.Encode(of.publication),
                    of.rule.HistorySize,
                    (long)of.rule.HistoryTtl.TotalMilliseconds,
                    of.broker.MetaTtlOf(of.rule),
                    FreshEpoch(),
                    keys.Channel,
                    of.rule.Durable ? 0 : 1,
                    of.publication.IsAfterLoss ? 1 : 0,
                ];
                return session.Publish.CallAsync(keys.HistoryKeys, arguments);
            },
            (broker: this, room, publication, rule),
            cancellationToken);
        return ReadPosition((byte[]?)reply);
    }

    /// <inheritdoc />
    public async ValueTask<StreamPosition> SkipAsync(string room, RoomRule rule, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        ArgumentNullException.ThrowIfNull(rule);
        RedisResult reply = await RunAsync(
            static (session, of) => session.Database.ScriptEvaluateAsync(
                session.Scripts.Skip, session.KeysOf(of.room).HistoryKeys, [FreshEpoch(), of.broker.MetaTtlOf(of.rule)]),
            (broker: this, room, rule),
            cancellationToken);
        return ReadPosition((byte[]?)reply);
    }

    /// <inheritdoc />
    public async ValueTask<RoomHistory> ReadHistoryAsync(
        string room, HistoryQuery query, RoomRule rule, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        ArgumentNullException.ThrowIfNull(rule);
        if (!rule.KeepsHistory)
        {
            return new RoomHistory([], new StreamPosition("", 0));
        }

        RedisResult reply = await RunAsync(
            static (session, of) => session.Database.ScriptEvaluateAsync(
                session.Scripts.History,
                session.KeysOf(of.room).HistoryKeys,
                [
                    FreshEpoch(),
                    of.rule.HistorySize,
                    of.broker.MetaTtlOf(of.rule),
                    of.query.Since?.Offset ?? -1,
                    of.query.Limit,
                    of.query.Reverse ? 1 : 0,
                ]),
            (broker: this, room, query, rule),
            cancellationToken);
        RedisResult[] parts = (RedisResult[])reply!;
        RedisResult[] entries = (RedisResult[])parts[2]!;
        List<Publication> publications = new(entries.Length);
        foreach (RedisResult entry in entries)
        {
            // Of an entry: its id, '<offset>-0', and its only field with its name.
            if (!Utf8Parser.TryParse((byte[]?)entry[0], out long offset, out _)
                || !PublicationBody.TryRead((byte[]?)entry[1][1], offset, out Publication? publication))
            {
                // Ignored it is a gap, and readers treat it as one.
                RedisLog.EntryUnreadable(_logger, room);
                continue;
            }

            publications.Add(publication);
        }

        return new RoomHistory(publications, ReadPosition((byte[]?)parts[0])) { Past = ReadPast((byte[]?)parts[1]) };
    }

    /// <inheritdoc />
    public async ValueTask RemoveHistoryAsync(string room, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        await RunAsync(static (session, of) => session.Database.KeyDeleteAsync(session.KeysOf(of).Stream), room, cancellationToken);
    }

    /// <inheritdoc />
    public async ValueTask SetPresenceAsync(string room, RoomMember member, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        ArgumentNullException.ThrowIfNull(member);
        ArgumentOutOfRangeException.ThrowIfLessThan(lifetime, TimeSpan.FromMilliseconds(1));
        await RunAsync(
            static (session, of) => session.Database.ScriptEvaluateAsync(
                session.Scripts.Join,
                session.KeysOf(of.room).PresenceKeys,
                [of.member.Client, MemberBody.Encode(of.member), (long)of.lifetime.TotalMilliseconds, session.KeysOf(of.room).Channel]),
            (room, member, lifetime),
            cancellationToken);
    }

    /// <inheritdoc />
    public async ValueTask RemovePresenceAsync(string room, string client, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        ArgumentNullException.ThrowIfNull(client);
        await RunAsync(
            static (session, of) => session.Database.ScriptEvaluateAsync(
                session.Scripts.Leave, session.KeysOf(of.room).PresenceKeys, [of.client, session.KeysOf(of.room).Channel]),
            (room, client),
            cancellationToken);
    }

    /// <inheritdoc />
    public async ValueTask<IReadOnlyList<RoomMember>> ReadPresenceAsync(string room, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        RedisResult reply = await RunAsync(
            static (session, of) => session.Database.ScriptEvaluateAsync(
                session.Scripts.Present, session.KeysOf(of).PresenceKeys, [session.KeysOf(of).Channel]),
            room,
            cancellationToken);
        List<RoomMember> members = [];
        foreach (byte[]? body in (byte[]?[])reply!)
        {
            if (MemberBody.TryRead(body, out RoomMember? member))
            {
                members.Add(member);
            }
        }

        return members;
    }

    /// <inheritdoc />
    public async ValueTask SendControlAsync(string? node, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        IBrokerSink sink = _sink ?? throw new InvalidOperationException("The broker has not been started.");
        string channel = node is null ? _everyonesChannel : $"{_everyonesChannel}:{node}";
        long receivers = await RunAsync(
            static (session, of) => session.Database.PublishAsync(session.ChannelOf(of.channel), of.bytes),
            (channel, bytes: Announcement.OfControl(sink.NodeId, message)),
            cancellationToken);
        if (node is not null && receivers == 0)
        {
            throw new BrokerUnavailableException($"Node {node} has no link to Redis now.", isUnknown: false);
        }
    }

    /// <summary>
    /// The name of a room's sequence if the script finds none, or one that may have lost its end. 53 bits, so that the text is
    /// short; the names only have to differ from earlier ones of the same room.
    /// </summary>
    private static RedisValue FreshEpoch() => Random.Shared.NextInt64(1, 1L << 53);

    private static StreamPosition ReadPosition(ReadOnlySpan<byte> reply)
    {
        int end = reply.IndexOf((byte)':');
        return end > 0 && Utf8Parser.TryParse(reply[..end], out long offset, out int consumed) && consumed == end
            ? new StreamPosition(Encoding.UTF8.GetString(reply[(end + 1)..]), offset)
            : throw new InvalidDataException("Redis replied with an invalid position.");
    }

    /// <summary>Reads 'epoch:offset ', any number of times.</summary>
    private static List<StreamPosition> ReadPast(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty)
        {
            return [];
        }

        List<StreamPosition> past = [];
        for (int end = text.IndexOf((byte)' '); end >= 0; end = text.IndexOf((byte)' '))
        {
            ReadOnlySpan<byte> item = text[..end];
            int colon = item.LastIndexOf((byte)':');
            past.Add(colon > 0 && Utf8Parser.TryParse(item[(colon + 1)..], out long offset, out _)
                ? new StreamPosition(Encoding.UTF8.GetString(item[..colon]), offset)
                : throw new InvalidDataException("Redis replied with an invalid position."));
            text = text[(end + 1)..];
        }

        return past;
    }

    private long MetaTtlOf(RoomRule rule)
        => rule.HistoryTtl == TimeSpan.Zero || _options.MetaTtl == TimeSpan.Zero
            ? 0
            : (long)Math.Max(_options.MetaTtl.TotalMilliseconds, 2 * rule.HistoryTtl.TotalMilliseconds);

    private ValueTask<T> RunAsync<TState, T>(
        Func<CommandConnection, TState, Task<T>> command, TState state, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        CommandConnection session = Enter();
        PendingRequests.Request<T> request = _requests.Add<T>();
        _ = FinishAsync(request, command, session, state);
        return new(cancellationToken.CanBeCanceled ? request.Task.WaitAsync(cancellationToken) : request.Task);
    }

    private async Task FinishAsync<TState, T>(
        PendingRequests.Request<T> request, Func<CommandConnection, TState, Task<T>> command, CommandConnection session, TState state)
    {
        T answer;
        try
        {
            answer = await command(session, state);
            _lastAnswer = Environment.TickCount64;
        }
        catch (Exception error)
        {
            End(request);
            if (RedisFailure.IsOne(error))
            {
                OnRequestFailed(error);
                error = RedisFailure.Of(error);
            }

            request.Fail(error);
            return;
        }

        End(request);
        request.Complete(answer); // runs its continuations
    }

    private void End(RunningTimeoutEntry request)
    {
        if (_requests.TryRemove(request))
        {
            Leave();
        }
    }
}
