using System.Globalization;
using System.Net;

namespace Weir.Host.Settings;

/// <summary>The settings of the server, read and checked once at its start.</summary>
internal sealed class HostSettings
{
    private const string Root = "Weir";

    // What is read for the endpoints, until it is put on each of them.
    private readonly WeirOptions _endpoint = new();

    private HostSettings(SettingsReader reader)
    {
        WeirOptions defaults = new();
        MaxMessageBytes = reader.ReadInt($"{Root}:Limits:MaxMessageBytes", defaults.MaxMessageBytes, 1, 1 << 30);
        MaxHeadBytes = reader.ReadInt($"{Root}:Limits:MaxHeadBytes", defaults.MaxHeadBytes, 256, 1 << 20);
        HandshakeTimeout = reader.ReadDuration(
            $"{Root}:Limits:HandshakeTimeout", defaults.HandshakeTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10));
        ReadHeartbeat(reader);
        ReadPressure(reader);
        ReadLimits(reader);
        Node.DrainWindow = reader.ReadDuration($"{Root}:Drain:Window", Node.DrainWindow, TimeSpan.Zero, TimeSpan.FromHours(1));
        EchoEnabled = reader.ReadBool($"{Root}:Echo:Enabled", false);
        Origins = reader.ReadList($"{Root}:Origins");
        ReadDeflate(reader);
        CheckOrigins(reader);
    }

    /// <summary>The limits of the node as a whole.</summary>
    public WeirNodeOptions Node { get; } = new();

    public RoomOptions Rooms { get; } = new();

    /// <summary>Networks whose PROXY protocol headers are believed; empty: none is expected.</summary>
    public IReadOnlyList<IPNetwork> ProxyProtocolFrom { get; private set; } = [];

    public int MaxMessageBytes { get; }

    public int MaxHeadBytes { get; }

    public TimeSpan HandshakeTimeout { get; }

    public bool EchoEnabled { get; }

    public IReadOnlyList<string> Origins { get; }

    public DeflateOptions Deflate { get; } = new();

    /// <summary>Reads everything below <c>Weir:</c>.</summary>
    /// <exception cref="SettingsException">Something is wrong; the message lists it all.</exception>
    public static HostSettings Read(IConfiguration configuration)
    {
        SettingsReader reader = new(configuration);
        HostSettings settings = new(reader);
        reader.ComplainAboutUnknown(Root);
        return reader.Complaints.Count == 0 ? settings : throw new SettingsException(reader.Complaints);
    }

    /// <summary>Puts the settings on the node.</summary>
    public void ApplyTo(WeirNodeOptions options)
    {
        options.MaxConnections = Node.MaxConnections;
        options.MaxConnectionsPerAddress = Node.MaxConnectionsPerAddress;
        options.HandshakesPerSecond = Node.HandshakesPerSecond;
        options.HandshakeBurst = Node.HandshakeBurst;
        options.MaxPendingBytes = Node.MaxPendingBytes;
        options.TrustedProxies = Node.TrustedProxies;
        options.DrainWindow = Node.DrainWindow;
    }

    /// <summary>Puts the settings on an endpoint.</summary>
    public void ApplyTo(WeirOptions options)
    {
        options.MaxMessageBytes = MaxMessageBytes;
        options.MaxHeadBytes = MaxHeadBytes;
        options.HandshakeTimeout = HandshakeTimeout;
        options.KeepRequest = false; // the handlers here take what they need when the connection opens
        options.AllowedOrigins = Origins;
        options.Heartbeat.Interval = _endpoint.Heartbeat.Interval;
        options.Heartbeat.Timeout = _endpoint.Heartbeat.Timeout;
        options.Pressure.HighWaterBytes = _endpoint.Pressure.HighWaterBytes;
        options.Pressure.CloseAtBytes = _endpoint.Pressure.CloseAtBytes;
        options.Pressure.MaxDelay = _endpoint.Pressure.MaxDelay;
        options.Pressure.Policy = _endpoint.Pressure.Policy;
        options.Pressure.CloseCode = _endpoint.Pressure.CloseCode;
        options.Pressure.CloseReason = _endpoint.Pressure.CloseReason;
        options.Pressure.CloseTimeout = _endpoint.Pressure.CloseTimeout;
        options.Inbound.MessagesPerSecond = _endpoint.Inbound.MessagesPerSecond;
        options.Inbound.BytesPerSecond = _endpoint.Inbound.BytesPerSecond;
        options.Inbound.Burst = _endpoint.Inbound.Burst;
        options.Deflate.Enabled = Deflate.Enabled;
        options.Deflate.ServerMaxWindowBits = Deflate.ServerMaxWindowBits;
        options.Deflate.ClientMaxWindowBits = Deflate.ClientMaxWindowBits;
        options.Deflate.ServerContextTakeover = Deflate.ServerContextTakeover;
        options.Deflate.ClientContextTakeover = Deflate.ClientContextTakeover;
        options.Deflate.MinimumBytes = Deflate.MinimumBytes;
        options.Deflate.Level = Deflate.Level;
    }

    private void ReadHeartbeat(SettingsReader reader)
    {
        HeartbeatOptions heartbeat = _endpoint.Heartbeat;
        TimeSpan interval = reader.ReadDuration($"{Root}:Heartbeat:Interval", heartbeat.Interval, TimeSpan.Zero, TimeSpan.FromHours(1));
        if (interval > TimeSpan.Zero && interval < TimeSpan.FromMilliseconds(200))
        {
            reader.Complain($"{Root}:Heartbeat:Interval", Duration.Format(interval), "0 (off) or a time from 200ms to 60m");
            interval = heartbeat.Interval;
        }

        heartbeat.Interval = interval;
        heartbeat.Timeout = reader.ReadDuration(
            $"{Root}:Heartbeat:Timeout", heartbeat.Timeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
    }

    private void ReadPressure(SettingsReader reader)
    {
        string section = $"{Root}:Pressure";
        PressureOptions pressure = _endpoint.Pressure;
        pressure.HighWaterBytes = reader.ReadInt($"{section}:HighWaterBytes", (int)pressure.HighWaterBytes, 0, 1 << 30);
        pressure.CloseAtBytes = reader.ReadInt($"{section}:CloseAtBytes", (int)pressure.CloseAtBytes, 1, 1 << 30);
        pressure.MaxDelay = reader.ReadDuration($"{section}:MaxDelay", pressure.MaxDelay, TimeSpan.Zero, TimeSpan.FromHours(1));
        pressure.CloseTimeout = reader.ReadDuration(
            $"{section}:CloseTimeout", pressure.CloseTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
        pressure.Policy = reader.ReadEnum($"{section}:Policy", pressure.Policy);
        int code = reader.ReadInt($"{section}:CloseCode", (int)pressure.CloseCode, 1000, 4999);
        pressure.CloseReason = reader.ReadText($"{section}:CloseReason", pressure.CloseReason);
        try
        {
            pressure.CloseCode = (CloseCode)code;
        }
        catch (ArgumentOutOfRangeException)
        {
            reader.Complain($"{section}:CloseCode", code.ToString(CultureInfo.InvariantCulture), "a code that may be sent: 1000-1003, 1007-1014, 3000-4999");
        }

        Node.MaxPendingBytes = (long)reader.ReadInt($"{section}:NodeMegabytes", 0, 0, 1 << 20) << 20;
    }

    private void ReadLimits(SettingsReader reader)
    {
        string section = $"{Root}:Limits";
        Node.MaxConnections = reader.ReadInt($"{section}:MaxConnections", 0, 0, int.MaxValue);
        Node.MaxConnectionsPerAddress = reader.ReadInt($"{section}:MaxConnectionsPerAddress", 0, 0, int.MaxValue);
        Node.HandshakesPerSecond = reader.ReadInt($"{section}:HandshakesPerSecond", 0, 0, int.MaxValue);
        Node.HandshakeBurst = reader.ReadInt($"{section}:HandshakeBurst", 0, 0, int.MaxValue);
        _endpoint.Inbound.MessagesPerSecond = reader.ReadInt($"{section}:MessagesPerSecond", 0, 0, int.MaxValue);
        _endpoint.Inbound.BytesPerSecond = reader.ReadInt($"{section}:BytesPerSecond", 0, 0, int.MaxValue);
        _endpoint.Inbound.Burst = reader.ReadDuration($"{section}:Burst", _endpoint.Inbound.Burst, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
        Rooms.MaxRoomsPerConnection = reader.ReadInt($"{section}:RoomsPerConnection", Rooms.MaxRoomsPerConnection, 0, int.MaxValue);
        Rooms.MaxNameBytes = reader.ReadInt($"{section}:RoomNameBytes", Rooms.MaxNameBytes, 0, 1 << 16);
        Node.TrustedProxies = reader.ReadNetworks($"{Root}:TrustedProxies");
        ProxyProtocolFrom = reader.ReadNetworks($"{Root}:ProxyProtocol");
    }

    private void ReadDeflate(SettingsReader reader)
    {
        string section = $"{Root}:Deflate";
        Deflate.Enabled = reader.ReadBool($"{section}:Enabled", Deflate.Enabled);
        Deflate.ServerMaxWindowBits = reader.ReadInt($"{section}:ServerMaxWindowBits", Deflate.ServerMaxWindowBits, 9, 15);
        Deflate.ClientMaxWindowBits = reader.ReadInt($"{section}:ClientMaxWindowBits", Deflate.ClientMaxWindowBits, 9, 15);
        Deflate.ServerContextTakeover = reader.ReadBool($"{section}:ServerContextTakeover", Deflate.ServerContextTakeover);
        Deflate.ClientContextTakeover = reader.ReadBool($"{section}:ClientContextTakeover", Deflate.ClientContextTakeover);
        Deflate.MinimumBytes = reader.ReadInt($"{section}:MinimumBytes", Deflate.MinimumBytes, 0, 1 << 30);
        Deflate.Level = reader.ReadInt($"{section}:Level", Deflate.Level, 1, 9);
    }

    private void CheckOrigins(SettingsReader reader)
    {
        try
        {
            _ = new WeirOptions { AllowedOrigins = Origins };
        }
        catch (ArgumentException error)
        {
            reader.Complain($"{Root}:Origins", string.Join(", ", Origins), $"a list of origins such as https://*.example.com, or *; {error.Message}");
        }
    }
}
