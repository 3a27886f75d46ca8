using System.Diagnostics.CodeAnalysis;

namespace Weir.Timing;

/// <summary>
/// The time of a transport that has threads of its own: the system's, with timers that fire once, on one of those threads. A
/// wheel driven by it uses no pool thread, and wakes no other thread before the one that sends the Pings.
/// </summary>
/// <remarks>Registered as a service of the application by its transport; found by <see cref="Connections.WeirEngine"/>.</remarks>
[Experimental("WEIR001")]
public abstract class LoopTimeProvider : TimeProvider;
