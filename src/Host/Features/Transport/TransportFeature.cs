using Weir.Host.Settings;
using Weir.Transports.Epoll;

namespace Weir.Host.Features.Transport;

/// <summary>The transport under Kestrel.</summary>
internal sealed class TransportFeature : Feature
{
    private static readonly SettingTable<Own> _table = new SettingTable<Own>("Weir")
        .Enum("Transport", static o => o.Kind, static (o, value) => o.Kind = value,
            "`Epoll` ([Weir's own sockets](docs/internals/transport.md), Linux only) or `Sockets` (Kestrel's)",
            shownDefault: "Epoll on Linux, else Sockets");

    private Own _own = new();

    public TransportKind Kind => _own.Kind;

    public override IEnumerable<Setting> Settings => _table.Settings;

    public override void Read(SettingsReader reader)
    {
        _own = _table.Read(reader).Value;
        if (Kind == TransportKind.Epoll && !OperatingSystem.IsLinux())
        {
            reader.Complain("Weir:Transport", "Epoll", "Sockets: epoll is available on Linux only");
        }
    }

    public override void AddServices(WebApplicationBuilder builder)
    {
        if (Kind == TransportKind.Epoll)
        {
            builder.WebHost.UseEpollTransport();
        }
        else
        {
            builder.Services.AddWeirSockets();
        }
    }

    // Measured: docs/internals/benchmarks.md, the upper figures of the process, and half of the kernel's for both ends of a connection.
    protected override void Report(Exposure exposure)
        => exposure.Memory.AddIdle((Kind == TransportKind.Epoll ? 1_600 : 6_900) + 3_750);

    private sealed class Own
    {
        public TransportKind Kind { get; set; } = OperatingSystem.IsLinux() ? TransportKind.Epoll : TransportKind.Sockets;
    }
}
