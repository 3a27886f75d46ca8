namespace Weir.Auth;

/// <summary>Who may come in. Something must be set: keys in <see cref="Jwt"/>, or <see cref="Authenticate"/>. Read once.</summary>
public sealed class AuthOptions
{
    /// <summary>How tokens are judged.</summary>
    public JwtOptions Jwt { get; } = new();

    /// <summary>
    /// The application's own answer to who a client is, in place of a token's: asked once for each client that connects. Null,
    /// the default: tokens say it. What it throws is logged, and the client told to come back later.
    /// </summary>
    /// <remarks>Tokens for single rooms are still judged by <see cref="Jwt"/>.</remarks>
    public Func<AuthRequest, CancellationToken, ValueTask<AuthResult>>? Authenticate { get; set; }

    /// <summary>
    /// The cookie that a token may be in; empty, the default: in none. A browser sends cookies whichever page connects: see
    /// <see cref="WeirOptions.AllowedOrigins"/>.
    /// </summary>
    public string Cookie { get; set; } = "";

    /// <summary>
    /// Whether clients without a token are let in, to rooms that are <see cref="Relay.RoomAccess.Open"/>; default false. A token
    /// that is not good is refused all the same.
    /// </summary>
    public bool AllowAnonymous { get; set; }
}
