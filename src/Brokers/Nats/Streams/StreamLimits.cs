namespace Weir.Brokers.Nats.Streams;

/// <summary>The settings of streams.</summary>
/// <param name="Replicas">On how many servers a stream that is created is stored.</param>
/// <param name="MaxHistory">The most publications that are kept of a room.</param>
/// <param name="MetaTtl">How long a message is kept; zero: indefinitely.</param>
internal readonly record struct StreamLimits(int Replicas, int MaxHistory, TimeSpan MetaTtl);
