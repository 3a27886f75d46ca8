namespace Weir.Protocols.Centrifugo.Sessions;

/// <summary>The settings of all sessions; an immutable copy of the options that the application set.</summary>
/// <param name="ConnectTimeout">The time from the upgrade to the connect command.</param>
/// <param name="ExpiryGrace">The time after a token's end in which the client may bring another.</param>
/// <param name="MaxPublicationsPerReply">The most publications in one reply.</param>
internal sealed record CentrifugoSettings(TimeSpan ConnectTimeout, TimeSpan ExpiryGrace, int MaxPublicationsPerReply);
