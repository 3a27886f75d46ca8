using Weir.Client.Timing;

namespace Weir.Client.Reconnecting;

/// <summary>Calls the application's token callback, which may throw, block, never complete, or return no token.</summary>
internal static class TokenCall
{
    /// <summary>Calls it on a thread-pool thread, and waits no longer than the limit or until the wait is cancelled.</summary>
    /// <returns>The token; <c>null</c> if the callback returned none.</returns>
    /// <exception cref="TimeoutException">It did not complete in time. It is abandoned, and a later result is ignored.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    /// <exception cref="FormatException">The token cannot be sent.</exception>
    public static async Task<string?> AskAsync(Func<CancellationToken, ValueTask<string?>> ask, TimeSpan limit, TimeProvider time,
        CancellationToken cancel)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using RunningTimeout timeout = new(time, either.Cancel);
        timeout.Begin(limit);
        CancellationToken over = either.Token;
        Task<string?> call = Task.Run(async () => await ask(over), CancellationToken.None);
        string? token;
        try
        {
            token = await call.WaitAsync(over);
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            _ = call.ContinueWith(
                static late => _ = late.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            cancel.ThrowIfCancellationRequested();
            throw new TimeoutException($"the callback returned no token within {limit.TotalSeconds} s");
        }

        if (string.IsNullOrEmpty(token))
        {
            return null;
        }

        // It is sent in a header or a JSON string. A token of RFC 6750, section 2.1, has only such characters.
        return token.AsSpan().IndexOfAnyExceptInRange('!', '~') < 0
            ? token
            : throw new FormatException("the callback returned a token with characters other than visible ASCII");
    }
}
