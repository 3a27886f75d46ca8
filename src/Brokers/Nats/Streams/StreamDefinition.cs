using System.Text.Json;

namespace Weir.Brokers.Nats.Streams;

/// <summary>A stream as the broker needs it.</summary>
internal sealed record StreamDefinition(string Name, string Subjects, int Replicas)
{
    // In a cluster the id of a write names the message that it follows, see JetStream.StoreAsync. A minute of ids at 10,000 writes per
    // second would be some 100 MB in the server; writes that compete are proposed within seconds.
    private static readonly TimeSpan _duplicateWindow = TimeSpan.FromSeconds(15);

    public bool InMemory { get; init; }

    /// <summary>Where the server announces what it has stored; <c>null</c>: nowhere.</summary>
    public string? AnnouncedTo { get; init; }

    public long MaxPerSubject { get; init; } = 1;

    /// <summary>Zero: indefinitely.</summary>
    public TimeSpan MaxAge { get; init; }

    private string Storage => InMemory ? "memory" : "file";

    /// <summary>The configuration, for a request that creates or updates the stream.</summary>
    public byte[] ToJson(int replicas)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream))
        {
            json.WriteStartObject();
            json.WriteString("name", Name);
            json.WriteStartArray("subjects");
            json.WriteStringValue(Subjects);
            json.WriteEndArray();
            json.WriteString("retention", "limits");
            json.WriteString("storage", Storage);
            json.WriteString("discard", "old");
            json.WriteNumber("num_replicas", replicas);
            json.WriteNumber("max_consumers", -1);
            json.WriteNumber("max_msgs", -1);
            json.WriteNumber("max_bytes", -1);
            json.WriteNumber("max_msg_size", -1);
            json.WriteNumber("max_msgs_per_subject", MaxPerSubject);
            json.WriteNumber("max_age", MaxAge.Ticks * 100);
            json.WriteNumber("duplicate_window", _duplicateWindow.Ticks * 100);
            json.WriteBoolean("allow_direct", true);
            if (AnnouncedTo is { } destination)
            {
                json.WriteStartObject("republish");
                json.WriteString("src", Subjects);
                json.WriteString("dest", destination);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    /// <summary>Reads a stream's configuration in a server's reply, which drops fields that the server does not support.</summary>
    public static StreamState StateOf(JsonElement config) => new(
        config.GetProperty("name").GetString()!,
        config.TryGetProperty("num_replicas", out JsonElement replicas) ? replicas.GetInt32() : 1,
        config.TryGetProperty("max_msgs_per_subject", out JsonElement count) && count.GetInt64() > 0 ? count.GetInt64() : long.MaxValue,
        TimeSpan.FromTicks((config.TryGetProperty("max_age", out JsonElement age) ? age.GetInt64() : 0) / 100));

    /// <summary>The names of the settings in which a stream differs so that the broker cannot use it; empty if it can.</summary>
    public IEnumerable<string> DifferencesOf(JsonElement config)
    {
        if (TextOf(config, "storage") != Storage)
        {
            yield return $"storage is not {Storage}";
        }

        if (!config.TryGetProperty("subjects", out JsonElement subjects) || subjects.GetArrayLength() != 1
            || subjects[0].GetString() != Subjects)
        {
            yield return $"subjects are not [{Subjects}]";
        }

        if (!config.TryGetProperty("allow_direct", out JsonElement direct) || !direct.GetBoolean())
        {
            yield return "allow_direct is not set";
        }

        if (TextOf(config, "retention") is not ("limits" or null))
        {
            yield return "retention is not limits";
        }

        if (TextOf(config, "discard") is not ("old" or null))
        {
            yield return "discard is not old";
        }

        JsonElement republish = default;
        bool isAnnounced = config.TryGetProperty("republish", out republish);
        if (AnnouncedTo is { } destination && (!isAnnounced || TextOf(republish, "dest") != destination || TextOf(republish, "src") != Subjects))
        {
            yield return $"republish is not {Subjects} to {destination}";
        }

        StreamState state = StateOf(config);
        if (!state.Covers(MaxPerSubject, MaxAge))
        {
            yield return $"max_msgs_per_subject or max_age is less than {MaxPerSubject} and {MaxAge}";
        }
    }

    private static string? TextOf(JsonElement parent, string name)
        => parent.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;
}
