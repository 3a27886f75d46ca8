using Microsoft.Extensions.Logging;

namespace Weir.Simulation;

/// <summary>A node's log goes into the trace; its entries of lost positions are counted.</summary>
internal sealed class NodeLog(NodeModel node, SimulationWorld world) : ILoggerFactory, ILogger
{
    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
        {
            return;
        }

        world.Note($"{node.Name} logs: {formatter(state, exception)}");
        if (eventId.Name == "PositionLost" && state is IReadOnlyList<KeyValuePair<string, object?>> values
            && values.FirstOrDefault(static value => string.Equals(value.Key, "room", StringComparison.OrdinalIgnoreCase))
                .Value is string room)
        {
            node.Losses[room] = node.Losses.GetValueOrDefault(room) + 1;
        }
        else if (logLevel >= LogLevel.Error)
        {
            world.Violate($"{node.Name} logged an error: {formatter(state, exception)} {exception}");
        }
    }
}
