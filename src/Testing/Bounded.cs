using System.Runtime.CompilerServices;

namespace Weir.Testing;

/// <summary>
/// Bounded waits. Bounds are in real time, independent of the clock of the code under test: they fail a test that would hang, and never
/// pace one that passes.
/// </summary>
public static class Bounded
{
    /// <summary>
    /// One minute: enough for a machine whose cores are all busy with other work. Only a failing test takes it.
    /// </summary>
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromMinutes(1);

    /// <summary>Three minutes, for a process that has to be loaded and compiled first: a Host, Node.js, Chromium.</summary>
    public static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(3);

    private static readonly TimeSpan _pollInterval = TimeSpan.FromMilliseconds(1);

    /// <exception cref="TimeoutException">
    /// Not done within <paramref name="limit"/> (<c>null</c>: <see cref="DefaultLimit"/>); names the expression.
    /// </exception>
    public static async Task Within(
        this Task task,
        TimeSpan? limit = null,
        [CallerArgumentExpression(nameof(task))] string what = "")
    {
        TimeSpan bound = limit ?? DefaultLimit;
        try
        {
            await task.WaitAsync(bound);
        }
        catch (TimeoutException) when (!task.IsCompleted)
        {
            throw new TimeoutException($"Not done within {bound.TotalSeconds} s: {what}");
        }
    }

    /// <inheritdoc cref="Within(Task, TimeSpan?, string)"/>
    public static async Task<T> Within<T>(
        this Task<T> task,
        TimeSpan? limit = null,
        [CallerArgumentExpression(nameof(task))] string what = "")
    {
        await Within((Task)task, limit, what);
        return await task;
    }

    /// <inheritdoc cref="Within(Task, TimeSpan?, string)"/>
    public static Task Within(
        this ValueTask task,
        TimeSpan? limit = null,
        [CallerArgumentExpression(nameof(task))] string what = "") =>
        Within(task.AsTask(), limit, what);

    /// <inheritdoc cref="Within(Task, TimeSpan?, string)"/>
    public static Task<T> Within<T>(
        this ValueTask<T> task,
        TimeSpan? limit = null,
        [CallerArgumentExpression(nameof(task))] string what = "") =>
        Within(task.AsTask(), limit, what);

    /// <summary>Waits for a condition without a notification, checking about every millisecond.</summary>
    /// <exception cref="TimeoutException">
    /// Still false after <paramref name="limit"/> (<c>null</c>: <see cref="DefaultLimit"/>); names the expression.
    /// </exception>
    public static async Task Eventually(
        Func<bool> condition,
        TimeSpan? limit = null,
        [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        TimeSpan bound = limit ?? DefaultLimit;
        long start = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            if (TimeProvider.System.GetElapsedTime(start) > bound)
            {
                throw new TimeoutException($"Still false after {bound.TotalSeconds} s: {what}");
            }

            await Task.Delay(_pollInterval, TimeProvider.System, CancellationToken.None);
        }
    }
}
