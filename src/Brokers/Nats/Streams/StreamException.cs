namespace Weir.Brokers.Nats.Streams;

/// <summary>A stream cannot be created, or is one that the broker cannot use; the message names it.</summary>
internal sealed class StreamException(string message) : Exception(message);
