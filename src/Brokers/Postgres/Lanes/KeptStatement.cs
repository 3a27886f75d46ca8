using System.Text;
using Npgsql;
using NpgsqlTypes;
using Weir.Brokers.Postgres.Calls;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Postgres.Lanes;

/// <summary>Calls <c>weir.append</c> for a batch of calls. Not thread-safe.</summary>
internal sealed class KeptStatement
{
    private const NpgsqlDbType Array = NpgsqlDbType.Array;

    private const int None = -1;

    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    private readonly List<byte[]> _rooms = [];
    private readonly List<string> _fresh = [];
    private readonly List<int> _sizes = [];
    private readonly List<long> _ttls = [];
    private readonly List<long> _metas = [];
    private readonly List<int> _used = []; // offsets of each room
    private readonly List<int> _room = [];
    private readonly List<int> _rel = [];
    private readonly List<byte[]?> _bodies = [];
    private readonly List<(int Room, int Rel)> _places = []; // of each call
    private readonly TimeSpan _metaTtl;

    /// <param name="node">The node whose calls they are; empty: the announcement is read by this node as by the others.</param>
    /// <param name="system">The server's system identifier.</param>
    /// <param name="metaTtl">As <see cref="PostgresOptions.MetaTtl"/>.</param>
    public KeptStatement(string node, string system, TimeSpan metaTtl)
    {
        _metaTtl = metaTtl;
        Command = new NpgsqlBatchCommand("SELECT o_seq, o_epochs, o_tops, o_ids FROM weir.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
        Command.Add(NpgsqlDbType.Text, node);
        Command.Add(NpgsqlDbType.Text, system);
        Command.Add(Array | NpgsqlDbType.Bytea, _rooms);
        Command.Add(Array | NpgsqlDbType.Text, _fresh);
        Command.Add(Array | NpgsqlDbType.Integer, _sizes);
        Command.Add(Array | NpgsqlDbType.Bigint, _ttls);
        Command.Add(Array | NpgsqlDbType.Bigint, _metas);
        Command.Add(Array | NpgsqlDbType.Integer, _room);
        Command.Add(Array | NpgsqlDbType.Integer, _rel);
        Command.Add(Array | NpgsqlDbType.Bytea, _bodies);
    }

    public NpgsqlBatchCommand Command { get; }

    /// <summary>Sets the values; valid until the next call.</summary>
    public void Set(IReadOnlyList<PublishCall> calls)
    {
        _numbers.Clear();
        _rooms.Clear();
        _fresh.Clear();
        _sizes.Clear();
        _ttls.Clear();
        _metas.Clear();
        _used.Clear();
        _room.Clear();
        _rel.Clear();
        _bodies.Clear();
        _places.Clear();
        foreach (PublishCall call in calls)
        {
            if (call.IsProbe)
            {
                _places.Add((None, 0));
                continue;
            }

            int room = NumberOf(call);
            if (call.IsOpening)
            {
                _places.Add((room, 0));
                continue;
            }

            _used[room] += call.Publication is { IsAfterLoss: true } ? 2 : 1;
            _places.Add((room, _used[room]));
            _room.Add(room + 1);
            _rel.Add(_used[room]);
            _bodies.Add(call.Body);
        }
    }

    /// <summary>Reads the result; sets the position of each call. Returns the number of the announcement; 0 if there was none.</summary>
    public async Task<long> ReadAsync(
        NpgsqlDataReader reader, IReadOnlyList<PublishCall> calls, HistoryTrim trim, CancellationToken cancellationToken)
    {
        await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        long number = reader.IsDBNull(0) ? 0 : reader.GetInt64(0);
        string[] epochs = reader.GetFieldValue<string[]>(1);
        long[] tops = reader.GetFieldValue<long[]>(2);
        long[] ids = reader.GetFieldValue<long[]>(3);
        for (int i = 0; i < calls.Count; i++)
        {
            (int room, int rel) = _places[i];
            calls[i].Position = room == None ? default : new StreamPosition(epochs[room], tops[room] + rel);
        }

        for (int room = 0; room < ids.Length; room++)
        {
            trim.Note(ids[room], tops[room], tops[room] + _used[room], _sizes[room]);
        }

        return number;
    }

    private int NumberOf(PublishCall call)
    {
        if (_numbers.TryGetValue(call.Room, out int number))
        {
            return number;
        }

        number = _rooms.Count;
        _numbers.Add(call.Room, number);
        _rooms.Add(Encoding.UTF8.GetBytes(call.Room));
        // The names of sequences only have to differ from earlier ones of the same room.
        _fresh.Add(Random.Shared.NextInt64(1, 1L << 53).ToString("x", System.Globalization.CultureInfo.InvariantCulture));
        _sizes.Add(Math.Max(1, call.Rule.HistorySize));
        _ttls.Add((long)call.Rule.HistoryTtl.TotalMilliseconds);
        _metas.Add(
            call.Rule.HistoryTtl == TimeSpan.Zero || _metaTtl == TimeSpan.Zero
                ? 0
                : (long)Math.Max(_metaTtl.TotalMilliseconds, 2 * call.Rule.HistoryTtl.TotalMilliseconds));
        _used.Add(0);
        return number;
    }
}
