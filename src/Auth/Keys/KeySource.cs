using System.Net;
using System.Text;
using Weir.Timing;

namespace Weir.Auth.Keys;

/// <summary>A source from which keys are loaded periodically: a file or a URL.</summary>
internal sealed class KeySource
{
    /// <summary>Larger than any key set, and small enough to be read into memory.</summary>
    private const int MaxBytes = 1024 * 1024;

    private static readonly TimeSpan _fetchTimeout = TimeSpan.FromSeconds(10);

    private readonly Func<string, IReadOnlyList<JwtAlgorithm>, Action<LeftOutKey>, IReadOnlyList<VerificationKey>> _read;
    private readonly string _where;
    private readonly Uri? _address;

    private KeySource(
        string property,
        string where,
        Func<string, IReadOnlyList<JwtAlgorithm>, Action<LeftOutKey>, IReadOnlyList<VerificationKey>> read,
        Uri? address = null)
    {
        Property = property;
        _where = where;
        _read = read;
        _address = address;
    }

    /// <summary>The option that names it.</summary>
    public string Property { get; }

    /// <summary>The name for logs: a URL without parts that may be secret.</summary>
    public string Name => _address is null
        ? _where : _address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);

    /// <summary>Gets the sources that are configured.</summary>
    /// <param name="publicKeyFile">The option <c>PublicKeyFile</c>; empty: none.</param>
    /// <param name="jwks">The option <c>Jwks</c>, an address or a file; empty: none.</param>
    public static IReadOnlyList<KeySource> Of(string publicKeyFile, string jwks)
    {
        List<KeySource> sources = [];
        if (publicKeyFile.Length > 0)
        {
            sources.Add(new KeySource("PublicKeyFile", publicKeyFile, static (text, algorithms, _) => PemKeys.Read(text, algorithms)));
        }

        if (jwks.Length > 0)
        {
            bool isAddress = Uri.TryCreate(jwks, UriKind.Absolute, out Uri? address) && address.Scheme is "http" or "https";
            sources.Add(new KeySource("Jwks", jwks, JwksKeys.Read, isAddress ? address : null));
        }

        return sources;
    }

    /// <summary>
    /// Validates the source before the start. Returns the error; <c>null</c> if there is none, or it cannot be checked yet.
    /// </summary>
    public string? ComplaintAtStart()
    {
        if (_address is not null)
        {
            return null; // an issuer may be temporarily unavailable
        }

        try
        {
            if (new FileInfo(_where).Length > MaxBytes)
            {
                return "a file of keys; this one is larger than a megabyte";
            }

            _read(File.ReadAllText(_where), JwtAlgorithm.All, static _ => { });
            return null;
        }
        catch (Exception error) when (error is KeySourceException or IOException or UnauthorizedAccessException)
        {
            return $"a file of keys that can be read; {error.Message}";
        }
    }

    /// <summary>Fetches the text for <see cref="Read"/>.</summary>
    /// <exception cref="KeySourceException">The text cannot be fetched.</exception>
    public async Task<string> FetchAsync(HttpClient http, TimeProvider time, CancellationToken cancellationToken)
    {
        using RunningTimeout timeout = new(_fetchTimeout, time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return _address is null
                ? await File.ReadAllTextAsync(_where, either.Token).ConfigureAwait(false)
                : Decode(await http.GetByteArrayAsync(_address, either.Token).ConfigureAwait(false));
        }
        catch (Exception error) when (error is HttpRequestException or IOException or UnauthorizedAccessException
            || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new KeySourceException(error is OperationCanceledException ? "no answer in time" : error.Message, error);
        }
    }

    // JSON and PEM are UTF-8 (RFC 8259 section 8.1), whatever charset the server names: GetStringAsync throws for `utf8`, which is
    // not the name of an encoding.
    private static string Decode(byte[] bytes)
    {
        using StreamReader reader = new(new MemoryStream(bytes), Encoding.UTF8, detectEncodingFromByteOrderMarks: true);
        return reader.ReadToEnd();
    }

    /// <exception cref="KeySourceException">The text has no keys.</exception>
    public IReadOnlyList<VerificationKey> Read(string text, IReadOnlyList<JwtAlgorithm> algorithms, Action<LeftOutKey> onLeftOut)
        => _read(text, algorithms, onLeftOut);

    /// <summary>Creates a client for all sources of an application.</summary>
    public static HttpClient NewClient() => new(new SocketsHttpHandler
    {
        PooledConnectionLifetime = TimeSpan.FromMinutes(5), // so that a DNS change of the issuer is applied
        AutomaticDecompression = DecompressionMethods.All, // some servers compress without a request for it
        AllowAutoRedirect = false, // keys come only from the configured address
    })
    {
        Timeout = Timeout.InfiniteTimeSpan, // FetchAsync has one that does not count pauses of the process
        MaxResponseContentBufferSize = MaxBytes,
    };
}
