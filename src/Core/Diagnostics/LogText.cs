using System.Diagnostics.CodeAnalysis;

namespace Weir.Diagnostics;

/// <summary>Texts for log messages.</summary>
[Experimental("WEIR001")]
public static class LogText
{
    // A message repeats its inner one, or the chain is of wrappers: the first few say it.
    private const int MostMessages = 3;

    /// <summary>
    /// Returns the cause of an outage for an operator: the messages of an exception and of those within it, in one line and without a
    /// stack trace. Empty for <c>null</c>.
    /// </summary>
    /// <param name="error">The exception.</param>
    public static string OneLine(Exception? error)
    {
        string text = "";
        for (int i = 0; error is not null && i < MostMessages; i++, error = error.InnerException)
        {
            string message = error.Message.ReplaceLineEndings(" ").Trim();
            if (!text.Contains(message, StringComparison.Ordinal))
            {
                text = text.Length == 0 ? message : $"{text.TrimEnd('.')}: {message}";
            }
        }

        return text.Length == 0 || text[^1] is '.' or '!' or '?' ? text : text + ".";
    }
}
