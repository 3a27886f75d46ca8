namespace Weir.Brokers.Nats.Streams;

/// <summary>JetStream over one session, with its streams prepared and its line known. Thread-safe.</summary>
/// <param name="JetStream">The requests.</param>
/// <param name="Streams">The streams.</param>
/// <param name="Line">The line when it was read last; a new one makes a new storage.</param>
/// <param name="Clock">The servers' clock.</param>
internal sealed record Storage(JetStream JetStream, StreamSet Streams, string Line, ServerClock Clock);
