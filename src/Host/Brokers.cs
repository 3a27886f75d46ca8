using Weir.Host.Settings;
using Weir.Relay;

namespace Weir.Host;

/// <summary>What connects this node with others: the one place where the kinds of broker are told apart.</summary>
internal sealed class Brokers
{
    private readonly Kind _kind;
    private readonly MemoryBrokerOptions _memory = new();

    private Brokers(Kind kind) => _kind = kind;

    private enum Kind
    {
        /// <summary>None: this node is alone.</summary>
        Memory,
    }

    /// <summary>Reads which kind it is, and the settings of that kind.</summary>
    public static Brokers Read(SettingsReader reader, string section)
    {
        Brokers brokers = new(reader.ReadEnum($"{section}:Kind", Kind.Memory));
        int megabytes = (int)(brokers._memory.MaxHistoryBytes >> 20);
        brokers._memory.MaxHistoryBytes = (long)reader.ReadInt($"{section}:MemoryMegabytes", megabytes, 0, 1 << 20) << 20;
        return brokers;
    }

    /// <summary>Adds the broker that was asked for.</summary>
    public void AddTo(IServiceCollection services)
    {
        switch (_kind)
        {
            case Kind.Memory:
                services.AddSingleton<IBroker>(new MemoryBroker(_memory));
                break;
        }
    }
}
