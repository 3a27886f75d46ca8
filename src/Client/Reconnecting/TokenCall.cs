using Weir.Client.Timing;

namespace Weir.Client.Reconnecting;

/// <summary>A call of a user's callback for a token, whatever it does: it may throw, block, never end, or bring nothing.</summary>
internal static class TokenCall
{
    /// <summary>Calls it on a thread of the pool, and waits no longer than the limit or until it is cancelled.</summary>
    /// <returns>The token; null if it brought none.</returns>
    /// <exception cref="TimeoutException">It brought none in time. It is abandoned: what it brings later is disregarded.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="FormatException">The token cannot be sent.</exception>
    public static async Task<string?> AskAsync(Func<CancellationToken, ValueTask<string?>> ask, TimeSpan limit, TimeProvider time, CancellationToken cancel)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using Patience patience = new(time, either.Cancel);
        patience.Begin(limit);
        CancellationToken over = either.Token;
        Task<string?> asking = Task.Run(async () => await ask(over), CancellationToken.None);
        string? token;
        try
        {
            token = await asking.WaitAsync(over);
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            _ = asking.ContinueWith(static late => _ = late.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            cancel.ThrowIfCancellationRequested();
            throw new TimeoutException($"the callback brought no token within {limit.TotalSeconds} s");
        }

        if (string.IsNullOrEmpty(token))
        {
            return null;
        }

        // It goes into a header, or into a string of JSON. A token of RFC 6750, section 2.1, has only such characters.
        return token.AsSpan().IndexOfAnyExceptInRange('!', '~') < 0
            ? token
            : throw new FormatException("the callback brought a token with characters other than visible ASCII");
    }
}
