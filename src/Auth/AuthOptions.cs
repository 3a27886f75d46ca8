namespace Weir.Auth;

/// <summary>Settings of authentication. Keys in <see cref="Jwt"/> or <see cref="Authenticate"/> must be set. Read once.</summary>
public sealed class AuthOptions
{
    /// <summary>How tokens are evaluated.</summary>
    public JwtOptions Jwt { get; } = new();

    /// <summary>
    /// The application's own authentication, in place of tokens: called once for each client that connects. <c>null</c>, the
    /// default: tokens are used. An exception is logged, and the client is refused temporarily.
    /// </summary>
    /// <remarks>Tokens for single rooms are still evaluated with <see cref="Jwt"/>.</remarks>
    public Func<AuthRequest, CancellationToken, ValueTask<AuthResult>>? Authenticate { get; set; }

    /// <summary>
    /// The cookie that may hold a token; empty, the default: no cookie. A browser sends cookies whichever page connects: see
    /// <see cref="WeirOptions.AllowedOrigins"/>.
    /// </summary>
    public string Cookie { get; set; } = "";

    /// <summary>
    /// Whether clients without a token are admitted, to rooms that are <see cref="Relay.Brokers.RoomAccess.Open"/>; default false. An
    /// invalid token is still refused.
    /// </summary>
    public bool AllowAnonymous { get; set; }
}
