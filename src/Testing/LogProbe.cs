using Microsoft.Extensions.Logging;

namespace Weir.Testing;

/// <summary>One log record; <paramref name="Values"/> are the message's named placeholders.</summary>
public sealed record LogRecord(
    string Category,
    LogLevel Level,
    EventId EventId,
    string Message,
    Exception? Exception,
    IReadOnlyDictionary<string, object?> Values);

/// <summary>Collects log records, as a factory or as a provider beside others. Thread-safe.</summary>
public sealed class LogProbe(LogLevel minimumLevel = LogLevel.Trace) : ILoggerFactory, ILoggerProvider
{
    private readonly Lock _lock = new();
    private readonly List<LogRecord> _records = [];

    /// <summary>All records so far, in order.</summary>
    public IReadOnlyList<LogRecord> Records
    {
        get
        {
            lock (_lock)
            {
                return [.. _records];
            }
        }
    }

    /// <summary>The records of one event.</summary>
    public IReadOnlyList<LogRecord> Of(string eventName) =>
        [.. Records.Where(record => record.EventId.Name == eventName)];

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    /// <summary>Not supported: the probe is the only provider of its own factory.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    public void AddProvider(ILoggerProvider provider) =>
        throw new NotSupportedException($"{nameof(LogProbe)} is the only provider of its own factory.");

    /// <summary>Does nothing; the records stay readable.</summary>
    public void Dispose()
    {
        // It holds no resource; the records stay readable after the code under test has disposed its factory.
    }

    private sealed class Logger(LogProbe probe, string category) : ILogger
    {
        private readonly LogLevel _minimumLevel = probe.MinimumLevel;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= _minimumLevel && logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
            {
                return;
            }

            Dictionary<string, object?> values = state is IEnumerable<KeyValuePair<string, object?>> pairs
                ? pairs.Where(pair => pair.Key != "{OriginalFormat}").ToDictionary(pair => pair.Key, pair => pair.Value)
                : [];
            LogRecord record = new(category, logLevel, eventId, formatter(state, exception), exception, values);
            lock (probe._lock)
            {
                probe._records.Add(record);
            }
        }
    }

    private LogLevel MinimumLevel => minimumLevel;
}
