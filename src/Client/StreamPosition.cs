namespace Weir.Client;

/// <summary>Where in a channel's stream somebody is: behind which publication, of which epoch.</summary>
/// <param name="Epoch">Which numbering; another one after the server has lost its numbers.</param>
/// <param name="Offset">The number of the last publication; 0 before the first.</param>
public readonly record struct StreamPosition(string Epoch, ulong Offset);
