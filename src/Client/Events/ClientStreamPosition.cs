namespace Weir.Client.Events;

/// <summary>A position in a channel: epoch and offset.</summary>
/// <param name="Epoch">The name of the sequence of offsets; it changes when the server may have lost part of it.</param>
/// <param name="Offset">The offset of the last publication; 0 before the first.</param>
public readonly record struct ClientStreamPosition(string Epoch, ulong Offset);
