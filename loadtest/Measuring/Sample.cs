namespace Weir.LoadTest.Measuring;

/// <summary>One second of a run, all workers together.</summary>
/// <param name="Seconds">Since the run began, at its end.</param>
/// <param name="ClientCpu">Cores.</param>
/// <param name="ServerCpu">Cores; null when the server is elsewhere, as the next.</param>
/// <param name="ServerBytes">Resident.</param>
internal sealed record Sample(
    double Seconds,
    string Phase,
    int Open,
    double OpenedPerSecond,
    double SentPerSecond,
    double ReceivedPerSecond,
    double HeartbeatsPerSecond,
    double RefusedPerSecond,
    double RebuffedPerSecond,
    long Lost,
    double HandshakeP50,
    double HandshakeP99,
    double P50,
    double P90,
    double P99,
    double P999,
    double Most,
    double ClientCpu,
    double? ServerCpu,
    long? ServerBytes);
