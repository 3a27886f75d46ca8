using Weir.Client;

namespace Weir.Chaos.Matrix;

/// <summary>Settings with which a .NET client returns within a second, so that a run stays short.</summary>
internal static class Quick
{
    public static void Configure(ClientOptions options)
    {
        options.Reconnect.BaseDelay = TimeSpan.FromMilliseconds(50);
        options.Reconnect.MaxDelay = TimeSpan.FromMilliseconds(500);
        options.Reconnect.Jitter = TimeSpan.FromMilliseconds(50);
    }
}
