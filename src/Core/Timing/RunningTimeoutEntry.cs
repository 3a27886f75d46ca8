using System.Diagnostics.CodeAnalysis;

namespace Weir.Timing;

/// <summary>One timeout; in at most one <see cref="RunningTimeouts"/>, once.</summary>
[Experimental("WEIR001")]
public abstract class RunningTimeoutEntry
{
    // In a list in order of age, oldest first, whose lock guards these fields.
    internal RunningTimeoutEntry? Older;
    internal RunningTimeoutEntry? Newer;
    internal long LastStep;
    internal bool IsRemoved;

    /// <summary>The timeout has elapsed. Called once, outside of the list's lock, on the timer's thread; must not block.</summary>
    protected internal abstract void OnElapsed();
}
