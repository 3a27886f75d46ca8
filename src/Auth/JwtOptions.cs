using System.Text;
using Weir.Auth.Keys;

namespace Weir.Auth;

/// <summary>
/// How JSON Web Tokens are judged. Keys may come from several places at once, while one is being exchanged for another. Read
/// once, when the application starts.
/// </summary>
public sealed class JwtOptions
{
    private TimeSpan _clockSkew = TimeSpan.FromSeconds(30);
    private TimeSpan _refreshInterval = TimeSpan.FromMinutes(10);
    private int _cacheSize = 10_000;

    /// <summary>
    /// The secret of HS256 (at least 32 bytes of UTF-8), HS384 (48) and HS512 (64): whoever has it can make tokens. Empty, the
    /// default: those are not taken.
    /// </summary>
    public string Secret { get; set; } = "";

    /// <summary>A file with public keys or certificates in PEM, read again every <see cref="RefreshInterval"/>. Empty: none.</summary>
    public string PublicKeyFile { get; set; } = "";

    /// <summary>
    /// A JSON Web Key Set, as a file or as an address with http or https. Read again every <see cref="RefreshInterval"/>, and
    /// when a token names a key that is not in it, at most every ten seconds. Empty: none.
    /// </summary>
    public string Jwks { get; set; } = "";

    /// <summary>Who may have made a token, its <c>iss</c>. Empty, the default: anybody with a key.</summary>
    public IReadOnlyList<string> Issuers { get; set; } = [];

    /// <summary>For whom a token must be, one of its <c>aud</c>. Empty, the default: only tokens without any are taken.</summary>
    public IReadOnlyList<string> Audiences { get; set; } = [];

    /// <summary>Algorithms that are taken, as <c>ES256</c>. Empty, the default: all that the keys are good for.</summary>
    public IReadOnlyList<string> Algorithms { get; set; } = [];

    /// <summary>How far the clock of whoever makes tokens may be from ours; default 30 seconds. Tokens are good so much longer.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than an hour.</exception>
    public TimeSpan ClockSkew
    {
        get => _clockSkew;
        set => _clockSkew = OptionRange.Duration(value, TimeSpan.Zero, TimeSpan.FromHours(1));
    }

    /// <summary>How often files and key sets are read again; default 10 minutes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than a second, or more than a day.</exception>
    public TimeSpan RefreshInterval
    {
        get => _refreshInterval;
        set => _refreshInterval = OptionRange.Duration(value, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1));
    }

    /// <summary>How many verified tokens are remembered, by their hash and until they expire; default 10,000. 0: none.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int CacheSize
    {
        get => _cacheSize;
        set => _cacheSize = OptionRange.Number(value, 0, int.MaxValue);
    }

    /// <summary>Whether there is any key to judge tokens by.</summary>
    public bool IsConfigured => Secret.Length > 0 || PublicKeyFile.Length > 0 || Jwks.Length > 0;

    /// <summary>What is wrong, each with the name of the property; files are read for that. Empty: nothing.</summary>
    public IReadOnlyList<(string Property, string Complaint)> Validate()
    {
        List<(string, string)> complaints = [];
        JwtAlgorithm?[] wanted = [.. Algorithms.Select(JwtAlgorithm.Find)];
        if (wanted.Contains(null))
        {
            complaints.Add((nameof(Algorithms), "some of " + string.Join(", ", JwtAlgorithm.All.Select(static algorithm => algorithm.Name))));
        }

        if (Secret.Length > 0)
        {
            ValidateSecret(complaints, wanted);
        }
        else if (wanted.Any(static algorithm => algorithm?.Family == KeyFamily.Secret))
        {
            complaints.Add((nameof(Secret), "a secret, because Algorithms names one that needs it"));
        }

        foreach (KeySource source in KeySource.Of(this))
        {
            if (source.ComplaintAtStart() is { } complaint)
            {
                complaints.Add((source.Property, complaint));
            }
        }

        return complaints;
    }

    internal IReadOnlyList<JwtAlgorithm> AlgorithmsTaken()
        => Algorithms.Count == 0 ? JwtAlgorithm.All : [.. Algorithms.Select(JwtAlgorithm.Find).OfType<JwtAlgorithm>()];

    private void ValidateSecret(List<(string, string)> complaints, JwtAlgorithm?[] wanted)
    {
        int bytes = Encoding.UTF8.GetByteCount(Secret);
        JwtAlgorithm[] secrets = [.. (wanted.Length > 0 ? wanted.OfType<JwtAlgorithm>() : JwtAlgorithm.All.Take(1)).Where(static algorithm => algorithm.Family == KeyFamily.Secret)];
        foreach (JwtAlgorithm algorithm in secrets)
        {
            if (!algorithm.Takes(KeyFamily.Secret, bytes * 8))
            {
                complaints.Add((nameof(Secret), $"at least {algorithm.LeastKeyBits / 8} bytes, which {algorithm.Name} needs (RFC 7518 section 3.2); it has {bytes}"));
            }
        }
    }
}
