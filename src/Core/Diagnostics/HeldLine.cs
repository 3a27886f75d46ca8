using System.Collections;
using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Weir.Diagnostics;

/// <summary>A line of a <see cref="LimitedLogger"/> that was held back.</summary>
internal abstract class HeldLine
{
    /// <summary>Writes it, with the number of lines that it stands for.</summary>
    public abstract void WriteTo(ILogger logger, int count);
}

/// <inheritdoc />
internal sealed class HeldLine<TState>(
    LogLevel level, EventId id, TState state, Exception? error, Func<TState, Exception?, string> formatter) : HeldLine
{
    public override void WriteTo(ILogger logger, int count)
    {
        if (count == 1)
        {
            logger.Log(level, id, state, error, formatter);
        }
        else if (logger.IsEnabled(level))
        {
            string text = string.Create(CultureInfo.InvariantCulture, $"{formatter(state, error)} (the last of {count} in one second)");
            CountedState counted = new(state as IReadOnlyList<KeyValuePair<string, object?>> ?? [], text, count);
            logger.Log(level, id, counted, error, static (line, _) => line.ToString());
        }
    }

    /// <summary>The placeholders of the line, and the count, for structured logs.</summary>
    private sealed class CountedState(IReadOnlyList<KeyValuePair<string, object?>> own, string text, int count)
        : IReadOnlyList<KeyValuePair<string, object?>>
    {
        public int Count => own.Count + 1;

        // First, because by convention the last one is {OriginalFormat}.
        public KeyValuePair<string, object?> this[int index] => index == 0 ? new("Repeated", count) : own[index - 1];

        public IEnumerator<KeyValuePair<string, object?>> GetEnumerator()
        {
            for (int i = 0; i < Count; i++)
            {
                yield return this[i];
            }
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        public override string ToString() => text;
    }
}
