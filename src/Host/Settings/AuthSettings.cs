using Weir.Auth;

namespace Weir.Host.Settings;

/// <summary>
/// Reads the settings of authentication. If no setting below <c>Weir:Auth</c> is set, every client may connect; if any is, keys are
/// required: a server that its operator considers closed must not be open because of an empty variable.
/// </summary>
internal static class AuthSettings
{
    public const string Section = HostSettings.Root + ":Auth";

    private const string Jwt = Section + ":Jwt";

    /// <summary>Returns whether any of the settings is set.</summary>
    public static bool IsWanted(IConfiguration configuration)
        => configuration.GetSection(Section).AsEnumerable().Any(static pair => pair.Value is not null);

    /// <summary>Reads the keys; error messages never repeat a secret.</summary>
    public static void Read(SettingsReader reader, AuthOptions options, bool isWanted)
    {
        JwtOptions jwt = options.Jwt;
        options.Cookie = reader.ReadText($"{Section}:Cookie", options.Cookie);
        options.AllowAnonymous = reader.ReadBool($"{Section}:AllowAnonymous", options.AllowAnonymous);
        jwt.Secret = reader.ReadText($"{Jwt}:Secret", jwt.Secret);
        jwt.PublicKeyFile = reader.ReadText($"{Jwt}:PublicKeyFile", jwt.PublicKeyFile);
        jwt.Jwks = reader.ReadText($"{Jwt}:Jwks", jwt.Jwks);
        jwt.Issuers = reader.ReadList($"{Jwt}:Issuer");
        jwt.Audiences = reader.ReadList($"{Jwt}:Audience");
        jwt.Algorithms = reader.ReadList($"{Jwt}:Algorithms");
        jwt.ClockSkew = reader.ReadDuration($"{Jwt}:ClockSkew", jwt.ClockSkew, TimeSpan.Zero, TimeSpan.FromHours(1));
        jwt.RefreshInterval = reader.ReadDuration(
            $"{Jwt}:RefreshInterval", jwt.RefreshInterval, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1));
        jwt.CacheSize = reader.ReadInt($"{Jwt}:CacheSize", jwt.CacheSize, 0, 1 << 24);
        if (isWanted && !jwt.IsConfigured)
        {
            reader.Complain(
                $"{Jwt}:Secret",
                "",
                $"a secret of at least 32 bytes, or keys in {Jwt}:PublicKeyFile or {Jwt}:Jwks: "
                + $"something below {Section} is set, but no key");
        }

        foreach ((string property, string complaint) in jwt.Validate())
        {
            string was = property switch
            {
                nameof(JwtOptions.Secret) => "(not shown)",
                nameof(JwtOptions.Algorithms) => string.Join(", ", jwt.Algorithms),
                nameof(JwtOptions.PublicKeyFile) => jwt.PublicKeyFile,
                _ => jwt.Jwks,
            };
            reader.Complain($"{Jwt}:{property}", was, complaint);
        }
    }
}
