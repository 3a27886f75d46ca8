using System.Net;
using System.Text;

namespace Weir.Auth.Keys;

/// <summary>A place that keys are read from, again and again: a file or an address.</summary>
internal sealed class KeySource
{
    /// <summary>More than any set of keys, and little enough to be read into memory.</summary>
    private const int MaxBytes = 1024 * 1024;

    private readonly Func<string, IReadOnlyList<JwtAlgorithm>, Action<LeftOutKey>, IReadOnlyList<VerificationKey>> _read;
    private readonly string _where;
    private readonly Uri? _address;

    private KeySource(
        string property, string where, Func<string, IReadOnlyList<JwtAlgorithm>, Action<LeftOutKey>, IReadOnlyList<VerificationKey>> read, Uri? address = null)
    {
        Property = property;
        _where = where;
        _read = read;
        _address = address;
    }

    /// <summary>The option that names it.</summary>
    public string Property { get; }

    /// <summary>For logs: an address without what may be a secret in it.</summary>
    public string Name => _address is null ? _where : _address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);

    /// <summary>Those that are configured.</summary>
    public static IReadOnlyList<KeySource> Of(JwtOptions options)
    {
        List<KeySource> sources = [];
        if (options.PublicKeyFile.Length > 0)
        {
            sources.Add(new KeySource(nameof(options.PublicKeyFile), options.PublicKeyFile, static (text, algorithms, _) => PemKeys.Read(text, algorithms)));
        }

        if (options.Jwks.Length > 0)
        {
            bool isAddress = Uri.TryCreate(options.Jwks, UriKind.Absolute, out Uri? address) && address.Scheme is "http" or "https";
            sources.Add(new KeySource(nameof(options.Jwks), options.Jwks, JwksKeys.Read, isAddress ? address : null));
        }

        return sources;
    }

    /// <summary>What is wrong with it before anything has started; null: nothing, or that is not to be known yet.</summary>
    public string? ComplaintAtStart()
    {
        if (_address is not null)
        {
            return null; // an issuer that is away now may be back in a moment
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

    /// <summary>Fetches the text that <see cref="Read"/> takes.</summary>
    /// <exception cref="KeySourceException">It cannot be fetched.</exception>
    public async Task<string> FetchAsync(HttpClient http, CancellationToken cancellationToken)
    {
        try
        {
            return _address is null
                ? await File.ReadAllTextAsync(_where, cancellationToken).ConfigureAwait(false)
                : Decode(await http.GetByteArrayAsync(_address, cancellationToken).ConfigureAwait(false));
        }
        catch (Exception error) when (error is HttpRequestException or IOException or UnauthorizedAccessException
            || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new KeySourceException(error is OperationCanceledException ? "no answer in time" : error.Message, error);
        }
    }

    // JSON and PEM are UTF-8 (RFC 8259 section 8.1), whatever the charset says that a server puts beside it: `utf8`, which is no
    // name of an encoding, is what GetStringAsync throws at.
    private static string Decode(byte[] bytes)
    {
        using StreamReader reader = new(new MemoryStream(bytes), Encoding.UTF8, detectEncodingFromByteOrderMarks: true);
        return reader.ReadToEnd();
    }

    /// <exception cref="KeySourceException">There are no keys in it.</exception>
    public IReadOnlyList<VerificationKey> Read(string text, IReadOnlyList<JwtAlgorithm> algorithms, Action<LeftOutKey> onLeftOut)
        => _read(text, algorithms, onLeftOut);

    /// <summary>A client for all sources of an application.</summary>
    public static HttpClient NewClient() => new(new SocketsHttpHandler
    {
        PooledConnectionLifetime = TimeSpan.FromMinutes(5), // so that a move of the issuer's name is noticed
        ConnectTimeout = TimeSpan.FromSeconds(5),
        AutomaticDecompression = DecompressionMethods.All, // some compress unasked
        AllowAutoRedirect = false, // keys come from where the operator says, and from nowhere else
    })
    {
        Timeout = TimeSpan.FromSeconds(10),
        MaxResponseContentBufferSize = MaxBytes,
    };
}
