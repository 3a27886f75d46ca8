namespace Weir.Brokers.Nats.Streams;

/// <summary>A message of a stream.</summary>
/// <param name="Sequence">Its number in the stream.</param>
/// <param name="StoredAt">When the server stored it, in ms of its clock since 1970.</param>
/// <param name="Body">Its payload.</param>
internal sealed record StoredMessage(ulong Sequence, long StoredAt, byte[] Body);
