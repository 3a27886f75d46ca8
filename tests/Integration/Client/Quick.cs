using Weir.Client;

namespace Weir.Integration.Client;

/// <summary>Settings of clients that come back soon, so that a test need not wait.</summary>
internal static class Quick
{
    public static readonly TimeSpan Delay = TimeSpan.FromMilliseconds(50);

    public static RelayClientOptions Relay() => Hurry(new RelayClientOptions());

    public static CentrifugoClientOptions Centrifugo() => Hurry(new CentrifugoClientOptions());

    private static T Hurry<T>(T options)
        where T : ClientOptions
    {
        options.Reconnect.BaseDelay = Delay;
        options.Reconnect.MaxDelay = TimeSpan.FromMilliseconds(500);
        options.Reconnect.Jitter = Delay;
        return options;
    }
}
