using Weir.Brokers.Redis;
using Weir.Relay;

namespace Weir.Host.Settings;

/// <summary>The broker that connects this node with others: the only code that depends on its kind.</summary>
internal sealed class Brokers
{
    private readonly Kind _kind;
    private readonly MemoryBrokerOptions _memory = new();
    private readonly RedisOptions _redis = new();

    private Brokers(Kind kind) => _kind = kind;

    private enum Kind
    {
        /// <summary>In memory: a single node.</summary>
        Memory,

        /// <summary>Redis.</summary>
        Redis,
    }

    /// <summary>Reads the kind, and the settings of every kind.</summary>
    public static Brokers Read(SettingsReader reader, string root)
    {
        Brokers brokers = new(reader.ReadEnum($"{root}:Broker:Kind", Kind.Memory));
        int megabytes = (int)(brokers._memory.MaxHistoryBytes >> 20);
        brokers._memory.MaxHistoryBytes = (long)reader.ReadInt($"{root}:Broker:MemoryMegabytes", megabytes, 0, 1 << 20) << 20;
        ReadRedis(reader, $"{root}:Redis", brokers._redis);
        return brokers;
    }

    /// <summary>Adds the configured broker.</summary>
    public void AddTo(IServiceCollection services)
    {
        switch (_kind)
        {
            case Kind.Memory:
                services.AddSingleton<IBroker>(new MemoryBroker(_memory));
                break;
            case Kind.Redis:
                services.AddSingleton<IBroker>(provider => new RedisBroker(_redis, provider.GetService<ILoggerFactory>()));
                break;
        }
    }

    private static void ReadRedis(SettingsReader reader, string section, RedisOptions options)
    {
        TimeSpan least = TimeSpan.FromMilliseconds(50);
        TimeSpan most = TimeSpan.FromMinutes(5);
        options.Configuration = reader.ReadText($"{section}:Configuration", options.Configuration);
        options.KeyPrefix = reader.ReadText($"{section}:KeyPrefix", options.KeyPrefix);
        options.RequestTimeout = reader.ReadDuration($"{section}:RequestTimeout", options.RequestTimeout, least, most);
        options.ConnectTimeout = reader.ReadDuration($"{section}:ConnectTimeout", options.ConnectTimeout, least, most);
        options.ProbeInterval = reader.ReadDuration($"{section}:ProbeInterval", options.ProbeInterval, least, most);
        options.ProbeTimeout = reader.ReadDuration($"{section}:ProbeTimeout", options.ProbeTimeout, least, most);
        options.MaxPending = reader.ReadInt($"{section}:MaxPending", options.MaxPending, 1, int.MaxValue);
        options.MetaTtl = reader.ReadDuration($"{section}:MetaTtl", options.MetaTtl, TimeSpan.Zero, TimeSpan.FromDays(3650));
        try
        {
            options.Validate();
        }
        catch (ArgumentException error)
        {
            // The configuration may contain a password, so the value is not shown.
            reader.Complain(section, "", $"as StackExchange.Redis reads it, and a key prefix without braces; {error.Message}");
        }
    }
}
