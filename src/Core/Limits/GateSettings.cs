namespace Weir.Limits;

/// <summary>The limits of a <see cref="NodeGate"/>; 0 is no limit.</summary>
/// <param name="MaxConnections">The most admissions held at once.</param>
/// <param name="MaxConnectionsPerAddress">The most admissions held at once by one address, of IPv6 by one /64 network.</param>
/// <param name="HandshakesPerSecond">The rate of admissions.</param>
/// <param name="HandshakeBurst">Admissions at once after an idle time; 0: as many as in one second.</param>
internal sealed record GateSettings(int MaxConnections, int MaxConnectionsPerAddress, int HandshakesPerSecond, int HandshakeBurst);
