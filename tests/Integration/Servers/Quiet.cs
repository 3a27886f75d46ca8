namespace Weir.Integration.Servers;

/// <summary>Settings that keep the server from speaking up by itself.</summary>
internal static class Quiet
{
    /// <summary>No heartbeat: a test reads exactly what it made the server send, and no Ping at a random time.</summary>
    public static void Configure(WeirOptions options) => options.Heartbeat.Interval = TimeSpan.Zero;
}
