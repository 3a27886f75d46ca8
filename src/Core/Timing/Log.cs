using Microsoft.Extensions.Logging;

namespace Weir.Timing;

/// <summary>Log messages of the timer wheel: event ids 400 to 449.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 400, EventName = "TimerWheelOverrun", Level = LogLevel.Warning,
        Message = "The timer wheel stalled for {StallMilliseconds:F0} ms: the process was paused or starved of "
            + "threads, or timer callbacks were slow. All deadlines move by as much; the time does not count towards client timeouts.")]
    public static partial void Overrun(ILogger logger, double stallMilliseconds);

    [LoggerMessage(EventId = 401, EventName = "TimerCallbackFailed", Level = LogLevel.Error,
        Message = "The timer callback of {NodeType} threw. The timer wheel continues; the node is not scheduled again.")]
    public static partial void CallbackFailed(ILogger logger, Type nodeType, Exception exception);

    [LoggerMessage(EventId = 402, EventName = "CalendarCallbackFailed", Level = LogLevel.Error,
        Message = "The callback of {NodeType}, which was due by the wall clock, threw. Later deadlines are not affected.")]
    public static partial void CalendarCallbackFailed(ILogger logger, Type nodeType, Exception exception);
}
