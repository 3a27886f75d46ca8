using Weir.Client.Centrifugo;
using Weir.Client.Reconnecting;
using Weir.Client.Sending;
using Weir.Client.Transport;

namespace Weir.Client;

/// <summary>Copies options into the settings of the folders below: a client reads each option once, when it is created.</summary>
internal static class SettingsConversion
{
    public static SendQueueSettings ToSettings(this SendQueueOptions options)
        => new(options.MaxMessages, options.MaxBytes, options.WhenFull);

    public static BackoffSettings ToBackoffSettings(this ClientOptions options)
    {
        ReconnectOptions reconnect = options.Reconnect;
        return new(reconnect.BaseDelay, reconnect.MaxDelay, reconnect.Jitter, reconnect.MaxRetryAfter, options.NextRandom);
    }

    public static ReconnectSettings ToReconnectSettings(this ClientOptions options) => new(
        options.Transport ?? new SocketTransport(options.ToSocketSettings()),
        options.TimeProvider,
        options.ToBackoffSettings(),
        options.Reconnect.StableAfter,
        options.ConnectTimeout,
        options.TokenTimeout,
        options.GetToken,
        options.Reconnect.ShouldReturn);

    private static SocketSettings ToSocketSettings(this ClientOptions options)
        => new(options.ConfigureSocket, options.TimeProvider, options.MaxMessageBytes);

    public static ProtocolSettings ToProtocolSettings(this CentrifugoClientOptions options)
        => new(options.TimeProvider, options.RequestTimeout, options.MaxPingDelay, options.Name, options.ConnectData);

    public static SubscribeSettings ToSettings(this SubscriptionOptions options)
        => new(options.Data, options.Recoverable, options.JoinLeave);
}
