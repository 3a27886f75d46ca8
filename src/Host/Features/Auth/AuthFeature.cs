using Weir.Auth;
using Weir.Host.Settings;
using Weir.Relay.Access;

namespace Weir.Host.Features.Auth;

/// <summary>
/// Authentication. If no setting below <c>Weir:Auth</c> is set, every client may connect; if any is, keys are required: a server that
/// its operator considers closed must not be open because of an empty variable.
/// </summary>
internal sealed class AuthFeature : Feature
{
    public const string Section = "Weir:Auth";

    private const string JwtSection = Section + ":Jwt";

    private static readonly SettingTable<JwtOptions> _jwt = new SettingTable<JwtOptions>(JwtSection)
        .Text("Secret", "text", static o => o.Secret, static (o, value) => o.Secret = value,
            "verifies HS256 (at least 32 bytes), HS384 (48), HS512 (64). [Authentication](docs/guides/authentication.md)")
        .Text("PublicKeyFile", "path", static o => o.PublicKeyFile, static (o, value) => o.PublicKeyFile = value,
            "public keys or certificates in PEM")
        .Text("Jwks", "path or address", static o => o.Jwks, static (o, value) => o.Jwks = value, "a JSON Web Key Set")
        .List("Issuer", "list", static (o, values) => o.Issuers = values, "accepted issuers. Empty: any issuer with a key")
        .List("Audience", "list", static (o, values) => o.Audiences = values, "accepted audiences. Empty: only tokens without an audience")
        .List("Algorithms", "list", static (o, values) => o.Algorithms = values, "accepted algorithms, of all that the keys support",
            shownDefault: "all")
        .Duration("ClockSkew", TimeSpan.Zero, TimeSpan.FromHours(1), static o => o.ClockSkew, static (o, value) => o.ClockSkew = value,
            "the accepted difference between clocks")
        .Duration("RefreshInterval", TimeSpan.FromSeconds(1), TimeSpan.FromDays(1),
            static o => o.RefreshInterval, static (o, value) => o.RefreshInterval = value, "how often files and key sets are reloaded")
        .Int("CacheSize", "tokens", 0, 1 << 24, static o => o.CacheSize, static (o, value) => o.CacheSize = value,
            "verified tokens that are cached until they expire. 0: no cache");

    private static readonly SettingTable<AuthOptions> _auth = new SettingTable<AuthOptions>(Section)
        .Text("Cookie", "name", static o => o.Cookie, static (o, value) => o.Cookie = value,
            "the cookie that may hold a token; pages of listed origins may then send it to "
            + "[streams](docs/guides/streams.md#pages-of-other-origins). Empty: no cookie")
        .Bool("AllowAnonymous", static o => o.AllowAnonymous, static (o, value) => o.AllowAnonymous = value,
            "admits clients without a token, to rooms that are `Open`");

    private static readonly SettingTable<Own> _own = new SettingTable<Own>(Section)
        .Enum("Reject", static o => o.Reject, static (o, value) => o.Reject = value,
            "how a WebSocket client is refused: `Close` by a close code after the upgrade, or `Http` before it");

    private SettingValues<AuthOptions> _authValues = new();
    private SettingValues<JwtOptions> _jwtValues = new();
    private RejectKind _reject;

    /// <summary>Gets whether clients have to authenticate.</summary>
    public bool IsEnabled { get; private set; }

    /// <summary>Gets whether clients without a token are admitted.</summary>
    public bool AllowsAnonymous => _authValues.Value.AllowAnonymous;

    /// <summary>Gets the keys, and the tokens that are accepted.</summary>
    public JwtOptions Jwt => _jwtValues.Value;

    public override IEnumerable<Setting> Settings => [.. _jwt.Settings, .. _auth.Settings, .. _own.Settings];

    public override void Read(SettingsReader reader)
    {
        IsEnabled = reader.Configuration.GetSection(Section).AsEnumerable().Any(static pair => pair.Value is not null);
        _authValues = _auth.Read(reader);
        _jwtValues = _jwt.Read(reader);
        if (IsEnabled && !Jwt.IsConfigured)
        {
            reader.Complain(
                $"{JwtSection}:Secret",
                "",
                $"a secret of at least 32 bytes, or keys in {JwtSection}:PublicKeyFile or {JwtSection}:Jwks: "
                + $"something below {Section} is set, but no key");
        }

        foreach ((string property, string complaint) in Jwt.Validate())
        {
            string was = property switch
            {
                nameof(JwtOptions.Secret) => "(not shown)",
                nameof(JwtOptions.Algorithms) => string.Join(", ", Jwt.Algorithms),
                nameof(JwtOptions.PublicKeyFile) => Jwt.PublicKeyFile,
                _ => Jwt.Jwks,
            };
            reader.Complain($"{JwtSection}:{property}", was, complaint);
        }

        _reject = _own.Read(reader).Value.Reject;
    }

    public override async ValueTask ReportAsync(Exposure exposure, CancellationToken cancellationToken)
    {
        exposure.Add(
            ExposureArea.Access, IsEnabled, "Clients need a token (Weir:Auth)",
            "Every client may join every room: no setting below Weir:Auth", exposure.IfPublic(Severity.Danger));
        exposure.VerifiesTokens = IsEnabled;
        if (IsEnabled)
        {
            ReportTokens(exposure);
        }

        // An unavailable issuer does not invalidate the configuration.
        foreach (JwtKeyReport report in await Jwt.ReadKeysAsync(cancellationToken))
        {
            foreach (string key in report.Ignored)
            {
                exposure.AddKeys($"{report.Source}: a key is ignored, {key}");
            }

            exposure.AddKeys(report.Error is { } error
                ? $"{report.Source}: cannot be read now, so its tokens are not accepted: {error}"
                : $"{report.Source}: {report.UsableKeys} usable");
        }
    }

    public override void AddServices(WebApplicationBuilder builder)
    {
        if (IsEnabled)
        {
            builder.Services.AddWeirAuth(Configure);
        }

        builder.Services.AddSingleton(provider => new AccessResponses(provider.GetRequiredService<IClientAccess>(), _reject));
    }

    private void Configure(AuthOptions options)
    {
        _authValues.ApplyTo(options);
        _jwtValues.ApplyTo(options.Jwt);
    }

    private void ReportTokens(Exposure exposure)
    {
        if (AllowsAnonymous)
        {
            exposure.AddOpen(ExposureArea.Tokens, "Clients without a token may connect (Weir:Auth:AllowAnonymous)", Severity.Note);
        }

        if (Jwt.Issuers.Count == 0 && Jwt.Jwks.Length > 0)
        {
            exposure.AddOpen(
                ExposureArea.Tokens, "Tokens of any issuer with one of the keys are accepted: Weir:Auth:Jwt:Issuer is empty");
        }

        if (Uri.TryCreate(Jwt.Jwks, UriKind.Absolute, out Uri? address) && address is { Scheme: "http", IsLoopback: false })
        {
            exposure.AddOpen(
                ExposureArea.Tokens,
                "Keys are fetched as plain text, so an attacker on the path can replace them: Weir:Auth:Jwt:Jwks is http",
                Severity.Danger);
        }

        if (_authValues.Value.Cookie is { Length: > 0 } cookie)
        {
            exposure.Add(
                ExposureArea.Tokens,
                !exposure.AdmitsEveryOrigin,
                $"Browsers send the cookie '{cookie}' whichever page connects; Weir:Origins excludes other pages",
                $"Every page can act for its visitors: browsers send the cookie '{cookie}' (Weir:Auth:Cookie) whichever page connects, and "
                + "Weir:Origins is *",
                Severity.Danger);
        }
    }

    private sealed class Own
    {
        public RejectKind Reject { get; set; } = RejectKind.Close;
    }
}
