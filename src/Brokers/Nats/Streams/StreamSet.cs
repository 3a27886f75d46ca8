using System.Text;
using System.Text.Json;
using Weir.Brokers.Nats.Subjects;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Nats.Streams;

/// <summary>
/// The broker's streams as the server of one session has them: created if they are missing, and never made smaller. Each reply with a
/// configuration is compared with the request, as a server drops what it does not support without an error.
/// </summary>
internal sealed class StreamSet
{
    private const int StreamNotFound = 10059;
    private const int SubjectsOverlap = 10065;

    // Messages without publications (skipped offsets, a new epoch) count too.
    private const int SpareMessages = 16;
    private static readonly TimeSpan _probesKept = TimeSpan.FromHours(1);

    private readonly JetStream _jetStream;
    private readonly StreamLimits _settings;
    private readonly Names _names;
    private readonly StreamState[] _logs;

    private StreamSet(JetStream jetStream, Names names, StreamLimits settings)
    {
        _jetStream = jetStream;
        _settings = settings;
        _names = names;
        _logs = new StreamState[names.LogStreams.Count];
    }

    /// <summary>The longest lifetime of a client's presence: what is stored of it lasts twice as long.</summary>
    public static TimeSpan LongestPresence { get; } = TimeSpan.FromHours(12);

    public StreamState Line { get; private set; } = null!;

    public StreamState Presence { get; private set; } = null!;

    public StreamState Probe { get; private set; } = null!;

    /// <summary>The streams of rooms with history, by the number of the shard.</summary>
    public IReadOnlyList<StreamState> Logs => _logs;

    /// <summary>Creates what is missing, and reads how the rest is.</summary>
    /// <exception cref="StreamException">A stream cannot be created, or is one that the broker cannot use.</exception>
    /// <exception cref="BrokerUnavailableException">JetStream does not answer.</exception>
    public static async Task<StreamSet> PrepareAsync(JetStream jetStream, Names names, StreamLimits settings)
    {
        StreamSet set = new(jetStream, names, settings);
        set.Line = await set.EnsureAsync(new(names.LineStream, names.Line, settings.Replicas) { InMemory = true });
        set.Probe = await set.EnsureAsync(new(names.ProbeStream, names.ProbePattern, settings.Replicas)
        {
            AnnouncedTo = names.ProbeAnnouncementPattern,
            MaxAge = _probesKept,
        });
        set.Presence = await set.EnsureAsync(new(names.PresenceStream, names.PresencePattern, settings.Replicas)
        {
            MaxAge = 2 * LongestPresence,
        });
        for (int shard = 0; shard < set._logs.Length; shard++)
        {
            set._logs[shard] = await set.EnsureAsync(set.LogOf(shard));
        }

        return set;
    }

    /// <summary>Whether the server still has all streams: they can be deleted by others.</summary>
    /// <exception cref="BrokerUnavailableException">JetStream does not answer.</exception>
    public async Task<bool> AreAllThereAsync()
    {
        // A server lists up to 1,024 names at once, by a pattern of subjects.
        JsonElement reply = await _jetStream.AskAsync(
            "STREAM.NAMES", Encoding.UTF8.GetBytes($$"""{"subject":"{{_names.EverySubject}}"}"""));
        HashSet<string?> found = reply.TryGetProperty("streams", out JsonElement streams) && streams.ValueKind == JsonValueKind.Array
            ? [.. streams.EnumerateArray().Select(static name => name.GetString())]
            : [];
        return found.Contains(Line.Name) && found.Contains(Probe.Name) && found.Contains(Presence.Name)
            && _logs.All(log => found.Contains(log.Name));
    }

    private StreamDefinition LogOf(int shard) => new(_names.LogStreams[shard], _names.LogPattern(shard), _settings.Replicas)
    {
        AnnouncedTo = _names.RoomPattern,
        MaxPerSubject = (long)_settings.MaxHistory + SpareMessages,
        MaxAge = _settings.MetaTtl,
    };

    private async Task<StreamState> EnsureAsync(StreamDefinition wanted)
    {
        JsonElement reply = await _jetStream.AskAsync("STREAM.INFO." + wanted.Name, default);
        if (JetStream.ErrorOf(reply) is { Code: StreamNotFound })
        {
            reply = await _jetStream.AskAsync("STREAM.CREATE." + wanted.Name, wanted.ToJson(wanted.Replicas));
        }

        JsonElement config = ConfigOf(reply, wanted);
        StreamState state = StreamDefinition.StateOf(config);
        if (!state.Covers(wanted.MaxPerSubject, wanted.MaxAge))
        {
            if (state.IsReplicated)
            {
                // A server that is restarted may apply the smaller limit before it learns of the larger one.
                throw new StreamException(
                    $"The stream {wanted.Name} keeps {state.MaxPerSubject} messages of a subject for {state.MaxAge} (zero: indefinitely), which is "
                    + "less than MaxHistory or MetaTtl require, and cannot be raised safely in a cluster: delete the stream, whose rooms "
                    + "begin anew, or reduce the settings.");
            }

            // Larger in both: another node's settings may need more of one.
            wanted = wanted with
            {
                MaxPerSubject = Math.Max(wanted.MaxPerSubject, state.MaxPerSubject),
                MaxAge = wanted.MaxAge == TimeSpan.Zero || state.MaxAge == TimeSpan.Zero ? TimeSpan.Zero
                    : wanted.MaxAge > state.MaxAge ? wanted.MaxAge : state.MaxAge,
            };
            config = ConfigOf(await _jetStream.AskAsync("STREAM.UPDATE." + wanted.Name, wanted.ToJson(state.Replicas)), wanted);
            state = StreamDefinition.StateOf(config);
        }

        string differences = string.Join("; ", wanted.DifferencesOf(config));
        return differences.Length == 0
            ? state
            : throw new StreamException($"The stream {wanted.Name} is not as needed: {differences}.");
    }

    private static JsonElement ConfigOf(JsonElement reply, StreamDefinition wanted) => JetStream.ErrorOf(reply) switch
    {
        null => reply.GetProperty("config"),
        { Code: SubjectsOverlap } => throw new StreamException(
            $"Another stream has subjects of {wanted.Name}: do all nodes have the same number of shards?"),
        { } error => throw new StreamException($"The stream {wanted.Name} cannot be created or read: {error.Text}."),
    };
}
