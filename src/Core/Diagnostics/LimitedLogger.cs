using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Weir.Diagnostics;

/// <summary>Writes warnings and errors at most once per second and event; see <see cref="LimitedLogging"/>.</summary>
internal sealed class LimitedLogger(ILogger inner, TimeProvider time) : ILogger
{
    // One for each event that has occurred, so as many as the code has log messages.
    private readonly ConcurrentDictionary<int, RepeatedEvent> _events = new();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => inner.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (logLevel < LogLevel.Warning || eventId.Id == 0)
        {
            inner.Log(logLevel, eventId, state, exception, formatter);
        }
        else if (inner.IsEnabled(logLevel)
            && _events.GetOrAdd(
                eventId.Id, static (_, self) => new RepeatedEvent(self.Inner, self.Time), (Inner: inner, Time: time)).TryBegin())
        {
            inner.Log(logLevel, eventId, state, exception, formatter);
        }
        else if (_events.TryGetValue(eventId.Id, out RepeatedEvent? repeated))
        {
            repeated.Hold(new HeldLine<TState>(logLevel, eventId, state, exception, formatter));
        }
    }
}
