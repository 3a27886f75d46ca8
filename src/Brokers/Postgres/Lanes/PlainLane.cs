using Npgsql;
using NpgsqlTypes;
using Weir.Brokers.Postgres.Announcing;
using Weir.Brokers.Postgres.Calls;
using Weir.Brokers.Postgres.Diagnostics;

namespace Weir.Brokers.Postgres.Lanes;

/// <summary>What has no offset: publications of rooms without history, presence, messages from node to node, probes.</summary>
internal sealed class PlainLane(
    string node, Action<int, long, IAnnouncedBatch> announce, PostgresMetrics metrics, Action<Exception> onRefused) : Lane<Call>(onRefused)
{
    /// <summary>The number of this lane in the tables.</summary>
    public const int Number = 1;

    private const NpgsqlDbType Array = NpgsqlDbType.Array;

    private readonly List<byte[]> _rooms = [];
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    private readonly List<int> _room = [];
    private readonly List<byte[]> _bodies = [];
    private readonly List<string> _clients = [];
    private readonly List<long> _lifetimes = [];
    private NpgsqlBatch? _announce;
    private NpgsqlBatch? _setPresence;

    protected override async Task<IAsyncDisposable> PrepareAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        NpgsqlBatchCommand announcePlain = new("SELECT weir.announce_plain($1, $2, $3, $4)");
        announcePlain.Add(NpgsqlDbType.Text, node);
        announcePlain.Add(Array | NpgsqlDbType.Bytea, _rooms);
        announcePlain.Add(Array | NpgsqlDbType.Integer, _room);
        announcePlain.Add(Array | NpgsqlDbType.Bytea, _bodies);
        _announce = connection.CreateBatch();
        _announce.BatchCommands.Add(announcePlain);
        await _announce.PrepareAsync(cancellationToken).ConfigureAwait(false);

        NpgsqlBatchCommand setPresence = new("SELECT o_seq, o_rooms, o_bodies FROM weir.set_presence($1, $2, $3, $4, $5)");
        setPresence.Add(NpgsqlDbType.Text, node);
        setPresence.Add(Array | NpgsqlDbType.Bytea, _rooms);
        setPresence.Add(Array | NpgsqlDbType.Text, _clients);
        setPresence.Add(Array | NpgsqlDbType.Bytea, _bodies);
        setPresence.Add(Array | NpgsqlDbType.Bigint, _lifetimes);
        _setPresence = connection.CreateBatch();
        _setPresence.BatchCommands.Add(setPresence);
        await _setPresence.PrepareAsync(cancellationToken).ConfigureAwait(false);
        return _announce;
    }

    protected override bool AreOfOneKind(Call first, Call other) => first is PlainCall == other is PlainCall;

    protected override Task SendAsync(Call[] batch, CancellationToken cancellationToken)
    {
        metrics.Sent(Number, batch.Length);
        _rooms.Clear();
        _bodies.Clear();
        return batch[0] is PlainCall
            ? AnnounceAsync([.. batch.Cast<PlainCall>()], cancellationToken)
            : SetPresenceAsync([.. batch.Cast<PresenceCall>()], cancellationToken);
    }

    private async Task AnnounceAsync(PlainCall[] batch, CancellationToken cancellationToken)
    {
        _numbers.Clear();
        _room.Clear();
        foreach (PlainCall call in batch)
        {
            if (!_numbers.TryGetValue(call.Room, out int room))
            {
                _rooms.Add(call.RoomName);
                _numbers.Add(call.Room, room = _rooms.Count);
            }

            _room.Add(room);
            _bodies.Add(call.Body);
        }

        long number = (long)(await _announce!.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
        announce(Number, number, new OwnPlainBatch(batch));
        foreach (PlainCall call in batch)
        {
            call.Finish(number);
        }
    }

    private async Task SetPresenceAsync(PresenceCall[] batch, CancellationToken cancellationToken)
    {
        _clients.Clear();
        _lifetimes.Clear();
        foreach (PresenceCall call in batch)
        {
            _rooms.Add(call.RoomName);
            _clients.Add(call.Client);
            _bodies.Add(call.Member);
            _lifetimes.Add(call.Milliseconds);
        }

        await using (NpgsqlDataReader reader = await _setPresence!.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false))
        {
            await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (!reader.IsDBNull(0))
            {
                byte[][] rooms = reader.GetFieldValue<byte[][]>(1);
                announce(
                    Number,
                    reader.GetInt64(0),
                    new ReadBatch(rooms, null, null, [.. Enumerable.Range(1, rooms.Length)], null, reader.GetFieldValue<byte[][]>(2)));
            }
        }

        foreach (PresenceCall call in batch)
        {
            call.Finish();
        }
    }
}
