using System.Text;
using Weir.Auth.Keys;
using Weir.Auth.Tokens;
using Weir.Validation;

namespace Weir.Auth;

/// <summary>
/// How JSON Web Tokens are evaluated. Keys may come from several sources at once, for instance during a key rotation. Read once,
/// when the application starts.
/// </summary>
public sealed class JwtOptions
{
    private TimeSpan _clockSkew = TimeSpan.FromSeconds(30);
    private TimeSpan _refreshInterval = TimeSpan.FromMinutes(10);
    private int _cacheSize = 10_000;

    /// <summary>
    /// The secret of HS256 (at least 32 bytes of UTF-8), HS384 (48) and HS512 (64): its holder can issue tokens. Empty, the
    /// default: these algorithms are not accepted.
    /// </summary>
    public string Secret { get; set; } = "";

    /// <summary>A file with public keys or certificates in PEM, reloaded every <see cref="RefreshInterval"/>. Empty: not used.</summary>
    public string PublicKeyFile { get; set; } = "";

    /// <summary>
    /// A JSON Web Key Set, as a file or as an http or https URL. Reloaded every <see cref="RefreshInterval"/>, and
    /// when a token names a key that is not in it, at most every ten seconds. Empty: not used.
    /// </summary>
    public string Jwks { get; set; } = "";

    /// <summary>The accepted issuers of a token, its <c>iss</c>. Empty, the default: any issuer with a key.</summary>
    public IReadOnlyList<string> Issuers { get; set; } = [];

    /// <summary>
    /// The accepted audiences of a token, its <c>aud</c>. Empty, the default: only tokens without an audience are accepted.
    /// </summary>
    public IReadOnlyList<string> Audiences { get; set; } = [];

    /// <summary>The accepted algorithms, as <c>ES256</c>. Empty, the default: all that the keys support.</summary>
    public IReadOnlyList<string> Algorithms { get; set; } = [];

    /// <summary>
    /// The accepted difference between the issuer's clock and ours; default 30 seconds. Tokens are valid that much longer.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than an hour.</exception>
    public TimeSpan ClockSkew
    {
        get => _clockSkew;
        set => _clockSkew = OptionRange.Duration(value, TimeSpan.Zero, TimeSpan.FromHours(1));
    }

    /// <summary>How often files and key sets are reloaded; default 10 minutes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a second, or more than a day.</exception>
    public TimeSpan RefreshInterval
    {
        get => _refreshInterval;
        set => _refreshInterval = OptionRange.Duration(value, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1));
    }

    /// <summary>How many verified tokens are cached, by their hash and until they expire; default 10,000. 0: no cache.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int CacheSize
    {
        get => _cacheSize;
        set => _cacheSize = OptionRange.Number(value, 0, int.MaxValue);
    }

    /// <summary>Whether a source of keys is set.</summary>
    public bool IsConfigured => Secret.Length > 0 || PublicKeyFile.Length > 0 || Jwks.Length > 0;

    /// <summary>
    /// Validates the settings, and reads the files. Returns an error for each invalid property; empty if all are valid.
    /// </summary>
    public IReadOnlyList<(string Property, string Complaint)> Validate()
    {
        List<(string, string)> complaints = [];
        JwtAlgorithm?[] selected = [.. Algorithms.Select(JwtAlgorithm.Find)];
        if (selected.Contains(null))
        {
            complaints.Add((
                nameof(Algorithms), "some of " + string.Join(", ", JwtAlgorithm.All.Select(static algorithm => algorithm.Name))));
        }

        if (Secret.Length > 0)
        {
            ValidateSecret(complaints, selected);
        }
        else if (selected.Any(static algorithm => algorithm?.Family == KeyFamily.Secret))
        {
            complaints.Add((nameof(Secret), "a secret, because Algorithms names one that needs it"));
        }

        foreach (KeySource source in KeySource.Of(PublicKeyFile, Jwks))
        {
            if (source.ComplaintAtStart() is { } complaint)
            {
                complaints.Add((source.Property, complaint));
            }
        }

        return complaints;
    }

    /// <summary>
    /// Fetches the keys of <see cref="PublicKeyFile"/> and <see cref="Jwks"/> once, without a use of them: for an operator who
    /// checks a configuration. Issuers are called over the network; each has 10 seconds to answer.
    /// </summary>
    /// <param name="cancellationToken">Cancels the requests.</param>
    /// <returns>One report for each source, in the order of the options; empty if neither is set. An error is in its report.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task<IReadOnlyList<JwtKeyReport>> ReadKeysAsync(CancellationToken cancellationToken = default)
    {
        List<JwtKeyReport> reports = [];
        using HttpClient http = KeySource.NewClient();
        foreach (KeySource source in KeySource.Of(PublicKeyFile, Jwks))
        {
            List<string> ignored = [];
            try
            {
                string text = await source.FetchAsync(http, TimeProvider.System, cancellationToken).ConfigureAwait(false);
                int usable = source.Read(text, AlgorithmsTaken(), key => ignored.Add($"{key.Name}: {key.Reason}")).Count;
                reports.Add(new JwtKeyReport(source.Name, usable, ignored, Error: null));
            }
            catch (KeySourceException error)
            {
                reports.Add(new JwtKeyReport(source.Name, UsableKeys: 0, ignored, error.Message));
            }
        }

        return reports;
    }

    internal TokenSettings ToSettings() => new(ClockSkew, [.. Issuers], [.. Audiences]);

    internal IReadOnlyList<JwtAlgorithm> AlgorithmsTaken()
        => Algorithms.Count == 0 ? JwtAlgorithm.All : [.. Algorithms.Select(JwtAlgorithm.Find).OfType<JwtAlgorithm>()];

    private void ValidateSecret(List<(string, string)> complaints, JwtAlgorithm?[] selected)
    {
        int bytes = Encoding.UTF8.GetByteCount(Secret);
        JwtAlgorithm[] secrets = [.. (selected.Length > 0 ? selected.OfType<JwtAlgorithm>() : JwtAlgorithm.All.Take(1))
            .Where(static algorithm => algorithm.Family == KeyFamily.Secret)];
        foreach (JwtAlgorithm algorithm in secrets)
        {
            if (!algorithm.Takes(KeyFamily.Secret, bytes * 8))
            {
                complaints.Add((
                    nameof(Secret),
                    $"at least {algorithm.LeastKeyBits / 8} bytes, which {algorithm.Name} needs (RFC 7518 section 3.2); it has {bytes}"));
            }
        }
    }
}
