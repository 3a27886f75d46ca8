namespace Weir.Auth.Tokens;

/// <summary>What a token must claim; an immutable copy of the options that the application set.</summary>
/// <param name="ClockSkew">How much the clocks of issuer and server may differ.</param>
/// <param name="Issuers">The issuers that are accepted; empty: any.</param>
/// <param name="Audiences">The audiences that are accepted; empty: any.</param>
internal sealed record TokenSettings(TimeSpan ClockSkew, string[] Issuers, string[] Audiences);
