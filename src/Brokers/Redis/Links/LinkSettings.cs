using System.Net;
using System.Net.Security;
using StackExchange.Redis;

namespace Weir.Brokers.Redis.Links;

/// <summary>The settings of links, from the same configuration as StackExchange.Redis's own connections.</summary>
internal sealed record LinkSettings
{
    public LinkSettings(ConfigurationOptions configuration, TimeSpan timeout)
    {
        User = configuration.User;
        Password = configuration.Password;
        ClientName = $"{configuration.ClientName}-subscriptions";
        ConnectTimeout = timeout;
        if (configuration.Ssl)
        {
            TlsFor = host => configuration.SslClientAuthenticationOptions?.Invoke(host) ?? new SslClientAuthenticationOptions
            {
                TargetHost = configuration.SslHost is { Length: > 0 } name ? name : host,
                EnabledSslProtocols = configuration.SslProtocols ?? default,
                CertificateRevocationCheckMode = configuration.CheckCertificateRevocation
                    ? System.Security.Cryptography.X509Certificates.X509RevocationMode.Online
                    : System.Security.Cryptography.X509Certificates.X509RevocationMode.NoCheck,
            };
        }
    }

    public string? User { get; }

    public string? Password { get; }

    /// <summary>The link's name in CLIENT LIST.</summary>
    public string ClientName { get; }

    /// <summary>For the connection and the handshake together.</summary>
    public TimeSpan ConnectTimeout { get; }

    /// <summary>The TLS options for a host; <c>null</c>: no TLS.</summary>
    public Func<string, SslClientAuthenticationOptions>? TlsFor { get; }

    public static string HostOf(EndPoint endpoint) => endpoint switch
    {
        DnsEndPoint name => name.Host,
        IPEndPoint address => address.Address.ToString(),
        _ => "",
    };
}
