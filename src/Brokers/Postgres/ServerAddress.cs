using Npgsql;

namespace Weir.Brokers.Postgres;

/// <summary>Parses <see cref="PostgresOptions.ConnectionString"/>, and rejects what the broker sets itself.</summary>
internal static class ServerAddress
{
    private static readonly (string Name, string Instead)[] _setHere =
    [
        ("Pooling", "the broker has connections of its own"),
        ("Maximum Pool Size", "the broker has connections of its own"),
        ("Minimum Pool Size", "the broker has connections of its own"),
        ("Keepalive", "ProbeInterval finds connections that are dead"),
        ("Timeout", "ConnectTimeout sets it"),
        ("Command Timeout", "RequestTimeout sets it"),
        ("Multiplexing", "the broker sends batches"),
        ("Enlist", "the broker takes part in no transaction of the application: publish there with weir.publish"),
        ("Search Path", "the tables are in the schema weir"),
        ("Target Session Attributes", "the broker needs a primary"),
        ("No Reset On Close", "the broker has connections of its own"),
    ];

    /// <exception cref="ArgumentException">
    /// It cannot be parsed, or has an option that the broker sets itself; the message does not repeat values.
    /// </exception>
    public static NpgsqlConnectionStringBuilder Parse(string text)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(text);
        NpgsqlConnectionStringBuilder builder;
        try
        {
            builder = new NpgsqlConnectionStringBuilder(text);
        }
        catch (Exception error) when (error is ArgumentException or FormatException or InvalidCastException or OverflowException)
        {
            // Without the inner exception: its message may repeat a value.
            throw new ArgumentException("The connection string cannot be parsed: Host=...;Database=...;Username=...;Password=... is its form.");
        }

        if (string.IsNullOrEmpty(builder.Host))
        {
            throw new ArgumentException("The connection string names no Host.");
        }

        foreach ((string name, string instead) in _setHere)
        {
            // ContainsKey is true for each known name; Keys has those that the text sets.
            if (builder.Keys.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                throw new ArgumentException($"The connection string has {name}, which is not accepted there: {instead}.");
            }
        }

        return builder;
    }

    /// <summary>The hosts, for the log.</summary>
    public static string Describe(NpgsqlConnectionStringBuilder builder) => $"{builder.Host}:{builder.Port}/{builder.Database}";
}
