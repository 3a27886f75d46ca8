namespace Weir.Auth;

/// <summary>The keys of one source at one moment, see <see cref="JwtOptions.ReadKeysAsync"/>. Contains no secret. Immutable.</summary>
/// <param name="Source">The file, or the URL without user, password, query and fragment.</param>
/// <param name="UsableKeys">How many keys can verify tokens.</param>
/// <param name="Ignored">For each member of a key set that is not used, its <c>kid</c> or position, and the reason.</param>
/// <param name="Error">Why the source cannot be read now; <c>null</c> if it was read.</param>
public sealed record JwtKeyReport(string Source, int UsableKeys, IReadOnlyList<string> Ignored, string? Error);
