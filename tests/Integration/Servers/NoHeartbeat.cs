namespace Weir.Integration.Servers;

/// <summary>Settings with which the server sends only answers.</summary>
internal static class NoHeartbeat
{
    /// <summary>No heartbeat: a test reads exactly what it made the server send, and no Ping at a random time.</summary>
    public static void Configure(WeirOptions options) => options.Heartbeat.Interval = TimeSpan.Zero;
}
