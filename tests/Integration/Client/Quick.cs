using Weir.Client;

namespace Weir.Integration.Client;

/// <summary>Settings of clients that reconnect soon, so that a test need not wait.</summary>
internal static class Quick
{
    public static readonly TimeSpan Delay = TimeSpan.FromMilliseconds(50);

    public static RelayClientOptions Relay() => Shorten(new RelayClientOptions());

    public static CentrifugoClientOptions Centrifugo() => Shorten(new CentrifugoClientOptions());

    private static T Shorten<T>(T options)
        where T : ClientOptions
    {
        options.Reconnect.BaseDelay = Delay;
        options.Reconnect.MaxDelay = TimeSpan.FromMilliseconds(500);
        options.Reconnect.Jitter = Delay;
        return options;
    }
}
