using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;

namespace Weir.Diagnostics;

/// <summary>Loggers for code that serves many clients: what happens to ten thousand of them at once is not ten thousand lines.</summary>
[Experimental("WEIR001")]
public static class LimitedLogging
{
    /// <summary>
    /// Creates a logger that writes each event of <see cref="LogLevel.Warning"/> and above at most once a second. The first is written
    /// immediately; of those that follow within a second, the last, with their number (property <c>Repeated</c>). Events are distinguished
    /// by their ids; those with id 0, and those below Warning, are all written. The logger is thread-safe; create one per category and
    /// node, since each counts for itself.
    /// </summary>
    /// <param name="loggers">The factory of the logger that writes.</param>
    /// <param name="category">The category.</param>
    /// <param name="time">The clock of the second.</param>
    public static ILogger CreateLimitedLogger(this ILoggerFactory loggers, string category, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(loggers);
        ArgumentNullException.ThrowIfNull(time);
        return new LimitedLogger(loggers.CreateLogger(category), time);
    }
}
