using NATS.Client.Core;

namespace Weir.Brokers.Nats;

/// <summary>The library's options, by those of the broker.</summary>
internal static class LibraryOptions
{
    /// <summary>Returns the options for a connection to one of these servers, which are tried in order.</summary>
    public static NatsOpts Of(NatsOptions options, IReadOnlyList<string> servers) => NatsOpts.Default with
    {
        Url = string.Join(',', servers),
        NoRandomize = true,
        Name = "weir",
        Echo = true,
        ConnectTimeout = options.ConnectTimeout,
        CommandTimeout = options.RequestTimeout,
        IgnoreAuthErrorAbort = true, // the broker tries again, as a right may be given later
        SuppressSlowConsumerWarnings = true, // there are no queues to overflow
        RequestReplyMode = NatsRequestReplyMode.SharedInbox,
        AuthOpts = NatsAuthOpts.Default with
        {
            Username = NullIfEmpty(options.User),
            Password = NullIfEmpty(options.Password),
            Token = NullIfEmpty(options.Token),
            CredsFile = NullIfEmpty(options.CredentialsFile),
        },
        TlsOpts = NatsTlsOpts.Default with
        {
            CaFile = NullIfEmpty(options.TlsCaFile),
            CertFile = NullIfEmpty(options.TlsCertificateFile),
            KeyFile = NullIfEmpty(options.TlsKeyFile),
        },
    };

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
