using System.Diagnostics.CodeAnalysis;

namespace Weir.Timing;

/// <summary>
/// The time of a transport that has threads of its own: the system's, with timers that fire once, on one of those threads. A
/// wheel driven by it uses no pool thread, and wakes no other thread before the one that sends the Pings.
/// </summary>
/// <remarks>
/// The transport registers it as a service of the application under this type. The engine creates its listeners' wheels with it, unless
/// the application has a <see cref="TimeProvider"/> of its own. Timers are created before the transport listens, and may be changed on
/// any thread.
/// </remarks>
[Experimental("WEIR001")]
public abstract class LoopTimeProvider : TimeProvider;
