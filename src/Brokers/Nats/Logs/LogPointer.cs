namespace Weir.Brokers.Nats.Logs;

/// <summary>An earlier message of a room's log.</summary>
/// <param name="Sequence">Its number in the stream.</param>
/// <param name="Top">The offset of its last publication.</param>
internal readonly record struct LogPointer(ulong Sequence, long Top);
