namespace Weir.Host.Settings;

/// <summary>The settings of the server, read and checked once at its start.</summary>
internal sealed class HostSettings
{
    private const string Root = "Weir";

    private HostSettings(SettingsReader reader)
    {
        WeirOptions defaults = new();
        MaxMessageBytes = reader.ReadInt($"{Root}:Limits:MaxMessageBytes", defaults.MaxMessageBytes, 1, 1 << 30);
        MaxHeadBytes = reader.ReadInt($"{Root}:Limits:MaxHeadBytes", defaults.MaxHeadBytes, 256, 1 << 20);
        HandshakeTimeout = reader.ReadDuration(
            $"{Root}:Limits:HandshakeTimeout", defaults.HandshakeTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10));
        EchoEnabled = reader.ReadBool($"{Root}:Echo:Enabled", false);
        Origins = reader.ReadList($"{Root}:Origins");
        ReadDeflate(reader);
        CheckOrigins(reader);
    }

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

    /// <summary>Puts the settings on an endpoint.</summary>
    public void ApplyTo(WeirOptions options)
    {
        options.MaxMessageBytes = MaxMessageBytes;
        options.MaxHeadBytes = MaxHeadBytes;
        options.HandshakeTimeout = HandshakeTimeout;
        options.KeepRequest = false; // the handlers here take what they need when the connection opens
        options.AllowedOrigins = Origins;
        options.Deflate.Enabled = Deflate.Enabled;
        options.Deflate.ServerMaxWindowBits = Deflate.ServerMaxWindowBits;
        options.Deflate.ClientMaxWindowBits = Deflate.ClientMaxWindowBits;
        options.Deflate.ServerContextTakeover = Deflate.ServerContextTakeover;
        options.Deflate.ClientContextTakeover = Deflate.ClientContextTakeover;
        options.Deflate.MinimumBytes = Deflate.MinimumBytes;
        options.Deflate.Level = Deflate.Level;
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
