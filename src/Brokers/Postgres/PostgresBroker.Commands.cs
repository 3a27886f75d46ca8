using System.Globalization;
using System.Text;
using Npgsql;
using NpgsqlTypes;
using Weir.Brokers.Postgres.Calls;
using Weir.Brokers.Postgres.Diagnostics;
using Weir.Brokers.Postgres.Lanes;
using Weir.Brokers.Postgres.Sessions;
using Weir.Brokers.Postgres.Wire;
using Weir.Relay.Brokers;
using Weir.Relay.Wire;
using Weir.Timing;

namespace Weir.Brokers.Postgres;

public sealed partial class PostgresBroker
{
    /// <inheritdoc />
    public async ValueTask<StreamPosition> PublishAsync(
        string room, Publication publication, RoomRule rule, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        ArgumentNullException.ThrowIfNull(publication);
        ArgumentNullException.ThrowIfNull(rule);
        if (rule.KeepsHistory)
        {
            return await RunKeptAsync(PublishCall.Of(room, publication, rule), cancellationToken).ConfigureAwait(false);
        }

        await RunPlainAsync(PlainCall.Of(room, publication), cancellationToken).ConfigureAwait(false);
        return new StreamPosition("", 0);
    }

    /// <inheritdoc />
    public ValueTask<StreamPosition> SkipAsync(string room, RoomRule rule, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        ArgumentNullException.ThrowIfNull(rule);
        return new(RunKeptAsync(PublishCall.Skip(room, rule), cancellationToken));
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

        RoomHistory? history = await ReadAsync(
            (session, connection, token) => ReadHistoryAsync(session, connection, room, query, rule, token), cancellationToken)
            .ConfigureAwait(false);
        if (history is null)
        {
            // The first use of the room, or of the server since a fail-over, or for long: this needs a write.
            await RunKeptAsync(PublishCall.Open(room, rule), cancellationToken).ConfigureAwait(false);
            history = await ReadAsync(
                (session, connection, token) => ReadHistoryAsync(session, connection, room, query, rule, token), cancellationToken)
                .ConfigureAwait(false);
        }

        return history ?? throw new BrokerUnavailableException("PostgreSQL has forgotten the room while it was read.", isUnknown: false);
    }

    /// <inheritdoc />
    public async ValueTask RemoveHistoryAsync(string room, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        await ReadAsync(
            async (_, connection, token) =>
            {
                await using NpgsqlCommand command = connection.CreateCommand();
                command.CommandText = "SELECT weir.remove($1)";
                command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = Encoding.UTF8.GetBytes(room) });
                await command.ExecuteNonQueryAsync(token).ConfigureAwait(false);
                return true;
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async ValueTask SetPresenceAsync(string room, RoomMember member, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        ArgumentNullException.ThrowIfNull(member);
        ArgumentOutOfRangeException.ThrowIfLessThan(lifetime, TimeSpan.FromMilliseconds(1));
        await RunPlainAsync(PresenceCall.Set(room, member, lifetime), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async ValueTask RemovePresenceAsync(string room, string client, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        ArgumentNullException.ThrowIfNull(client);
        await RunPlainAsync(PresenceCall.Remove(room, client), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async ValueTask<IReadOnlyList<RoomMember>> ReadPresenceAsync(string room, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(room);
        return await ReadAsync((_, connection, token) => ReadPresenceAsync(connection, room, token), cancellationToken)
            .ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async ValueTask SendControlAsync(string? node, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        IBrokerSink sink = _sink ?? throw new InvalidOperationException("The broker has not been started.");
        if (node is not null && !await ReadAsync((_, connection, token) => IsLinkedAsync(connection, node, token), cancellationToken)
            .ConfigureAwait(false))
        {
            throw new BrokerUnavailableException($"Node {node} has no link to PostgreSQL now.", isUnknown: false);
        }

        await RunPlainAsync(new PlainCall("", ControlBody.Encode(sink.NodeId, node, message)), cancellationToken).ConfigureAwait(false);
    }

    private static async Task<bool> IsLinkedAsync(NpgsqlConnection connection, string node, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = connection.CreateCommand();
        command.CommandText = "SELECT weir.is_linked($1)";
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = node });
        return (bool)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }

    private static async Task<IReadOnlyList<RoomMember>> ReadPresenceAsync(
        NpgsqlConnection connection, string room, CancellationToken cancellationToken)
    {
        byte[] name = Encoding.UTF8.GetBytes(room);
        await using NpgsqlBatch batch = connection.CreateBatch();
        // Announced as if by another node: this one reads it like any other.
        foreach (string sql in (string[])
        [
            "SELECT weir.end_presence('', $1)",
            "SELECT member FROM weir.presence WHERE room = $1 AND until > clock_timestamp()",
        ])
        {
            NpgsqlBatchCommand command = new(sql);
            command.Add(NpgsqlDbType.Bytea, name);
            batch.BatchCommands.Add(command);
        }

        List<RoomMember> members = [];
        await using NpgsqlDataReader reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await reader.NextResultAsync(cancellationToken).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (MemberBody.TryRead(reader.GetFieldValue<byte[]>(0), out RoomMember? member))
            {
                members.Add(member);
            }
        }

        return members;
    }

    // Returns null if the room must be opened first.
    private async Task<RoomHistory?> ReadHistoryAsync(
        Session session, NpgsqlConnection connection, string room, HistoryQuery query, RoomRule rule, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = connection.CreateCommand();
        command.CommandText = "SELECT o_epoch, o_top, o_past, o_offs, o_bodies FROM weir.read($1, $2, $3, $4, $5, $6)";
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = session.Identity.System });
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = Encoding.UTF8.GetBytes(room) });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = rule.HistorySize });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = query.Since?.Offset ?? -1 });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = query.Limit });
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = query.Reverse });
        await command.PrepareAsync(cancellationToken).ConfigureAwait(false); // of each connection once
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        if (!await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            return null;
        }

        StreamPosition top = new(reader.GetString(0), reader.GetInt64(1));
        IReadOnlyList<StreamPosition> past = ReadPast(reader.GetString(2));
        if (reader.IsDBNull(3))
        {
            return new RoomHistory([], top) { Past = past };
        }

        long[] offsets = reader.GetFieldValue<long[]>(3);
        byte[][] bodies = reader.GetFieldValue<byte[][]>(4);
        List<Publication> publications = new(offsets.Length);
        for (int i = 0; i < offsets.Length; i++)
        {
            if (PublicationBody.TryRead(bodies[i], offsets[i], out Publication? publication))
            {
                publications.Add(publication);
            }
            else
            {
                PostgresLog.EntryUnreadable(_logger, room); // a gap, and readers treat it as one
            }
        }

        return new RoomHistory(publications, top) { Past = past };
    }

    /// <summary>Reads 'epoch:offset ', any number of times.</summary>
    private static List<StreamPosition> ReadPast(string text)
    {
        if (text.Length == 0)
        {
            return [];
        }

        List<StreamPosition> past = [];
        foreach (string item in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            int colon = item.LastIndexOf(':');
            past.Add(new StreamPosition(item[..colon], long.Parse(item[(colon + 1)..], CultureInfo.InvariantCulture)));
        }

        return past;
    }

    private Task<StreamPosition> RunKeptAsync(PublishCall call, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return WaitAsync(call, Enter(call).Kept.TryAdd(call), cancellationToken);
    }

    private Task<T> RunPlainAsync<T>(Call<T> call, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return WaitAsync(call, Enter(call).Plain.TryAdd(call), cancellationToken);
    }

    private static Task<T> WaitAsync<T>(Call<T> call, bool isQueued, CancellationToken cancellationToken)
    {
        if (!isQueued)
        {
            call.Fail(PostgresFailure.Unavailable());
        }

        return cancellationToken.CanBeCanceled ? call.Task.WaitAsync(cancellationToken) : call.Task;
    }

    private async Task<T> ReadAsync<T>(
        Func<Session, NpgsqlConnection, CancellationToken, Task<T>> read, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Session session = _session is { } current && !_isDisposing ? current : throw PostgresFailure.Unavailable();
        CountPending();
        using RunningTimeout timeout = new(_timeouts);
        Task<T> reading = FinishAsync();
        _ = reading.ContinueWith(static late => late.Exception, TaskScheduler.Default); // after the timeout its end has no reader
        try
        {
            await timeout.WaitAsync(reading, cancellationToken).ConfigureAwait(false);
            return await reading.ConfigureAwait(false);
        }
        catch (Exception error) when (error is NpgsqlException or TimeoutException || IsEndOf(session, error, cancellationToken))
        {
            if (PostgresFailure.IsAnswer(error))
            {
                OnRefused(error);
            }

            throw PostgresFailure.Of(error);
        }

        async Task<T> FinishAsync()
        {
            try
            {
                return await session.Reading.RunAsync(
                    (connection, token) => read(session, connection, token),
                    error => session.Fail("A connection for reads failed.", error),
                    session.End).ConfigureAwait(false);
            }
            finally
            {
                Leave();
            }
        }
    }

    private static bool IsEndOf(Session session, Exception error, CancellationToken cancellationToken)
        => error is OperationCanceledException && session.End.IsCancellationRequested && !cancellationToken.IsCancellationRequested;
}
