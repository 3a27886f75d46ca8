using System.Runtime.CompilerServices;

namespace Weir.Simulation.Scheduling;

/// <summary>
/// The targets to which calls of the product are redirected (see Weaver): calls that reach the thread pool, or use random numbers.
/// Each does the same by way of the scheduler that runs on this thread.
/// </summary>
/// <remarks>
/// The weaver matches names and parameters, the object itself first. A continuation runs where the awaited task completes,
/// or is queued if that task requires it (RunContinuationsAsynchronously), as without the simulation.
/// </remarks>
public static class Hooks
{
    private static SimulationScheduler Scheduler
        => SynchronizationContext.Current as SimulationScheduler
            ?? throw new InvalidOperationException("The product runs outside of the simulation's scheduler.");

    public static ConfiguredTaskAwaitable ConfigureAwait(Task task, bool continueOnCapturedContext) => task.ConfigureAwait(true);

    public static ConfiguredTaskAwaitable<T> ConfigureAwait<T>(Task<T> task, bool continueOnCapturedContext) => task.ConfigureAwait(true);

    public static ConfiguredTaskAwaitable ConfigureAwait(Task task, ConfigureAwaitOptions options)
        => task.ConfigureAwait(options | ConfigureAwaitOptions.ContinueOnCapturedContext);

    public static ConfiguredTaskAwaitable<T> ConfigureAwait<T>(Task<T> task, ConfigureAwaitOptions options)
        => task.ConfigureAwait(options | ConfigureAwaitOptions.ContinueOnCapturedContext);

    public static ConfiguredValueTaskAwaitable ConfigureAwait(ref ValueTask task, bool continueOnCapturedContext)
        => task.ConfigureAwait(true);

    public static ConfiguredValueTaskAwaitable<T> ConfigureAwait<T>(ref ValueTask<T> task, bool continueOnCapturedContext)
        => task.ConfigureAwait(true);

    public static bool ThreadPool_UnsafeQueueUserWorkItem(IThreadPoolWorkItem work, bool preferLocal)
    {
        Scheduler.Post(static state => ((IThreadPoolWorkItem)state!).Execute(), work);
        return true;
    }

    public static bool ThreadPool_UnsafeQueueUserWorkItem<T>(Action<T> work, T state, bool preferLocal)
    {
        Scheduler.Post(_ => work(state), null);
        return true;
    }

    public static Task Task_Run(Func<Task?> work)
    {
        TaskCompletionSource<Task> begun = new();
        Start(() => begun.SetResult(work()!));
        return begun.Task.Unwrap();
    }

    public static Task Task_Run(Action work)
    {
        TaskCompletionSource done = new();
        Start(() =>
        {
            work();
            done.SetResult();
        });
        return done.Task;
    }

    // The framework runs the callbacks on the thread pool.
    public static Task CancelAsync(CancellationTokenSource source)
    {
        source.Cancel();
        return Task.CompletedTask;
    }

    public static Task WaitAsync(Task task, CancellationToken cancellationToken)
        => WaitAsync(task, Timeout.InfiniteTimeSpan, Scheduler.Clock, cancellationToken);

    public static Task WaitAsync(Task task, TimeSpan timeout, TimeProvider time) => WaitAsync(task, timeout, time, CancellationToken.None);

    public static async Task WaitAsync(Task task, TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!task.IsCompleted)
        {
            await UntilAsync(task, timeout, time, cancellationToken);
        }

        await task;
    }

    public static Task<T> WaitAsync<T>(Task<T> task, CancellationToken cancellationToken)
        => WaitAsync(task, Timeout.InfiniteTimeSpan, Scheduler.Clock, cancellationToken);

    public static Task<T> WaitAsync<T>(Task<T> task, TimeSpan timeout, TimeProvider time)
        => WaitAsync(task, timeout, time, CancellationToken.None);

    public static async Task<T> WaitAsync<T>(Task<T> task, TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!task.IsCompleted)
        {
            await UntilAsync(task, timeout, time, cancellationToken);
        }

        return await task;
    }

    // The framework's own wait with a token continues on the thread pool.
    public static async Task WaitAsync(SemaphoreSlim semaphore, CancellationToken cancellationToken)
    {
        Task entered = semaphore.WaitAsync(CancellationToken.None);
        try
        {
            await WaitAsync(entered, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            ReleaseLater(entered, semaphore);
            throw;
        }
    }

    public static string RandomNumberGenerator_GetHexString(int length, bool lowercase)
        => string.Create(length, Scheduler.Random, static (text, random) => random.GetItems("0123456789abcdef".AsSpan(), text));

    public static Random Random_get_Shared() => Scheduler.Random;

    public static int GetHashCode(StringComparer comparer, string text)
    {
        // The same in each process, unlike that of strings.
        uint hash = 2166136261;
        foreach (char each in text)
        {
            hash = (hash ^ each) * 16777619;
        }

        return (int)hash;
    }

    // What the work sets in its context ends with it, as on the thread pool.
    private static void Start(Action work)
    {
        ExecutionContext context = ExecutionContext.Capture()!;
        Scheduler.Post(_ => ExecutionContext.Run(context, static work => ((Action)work!)(), work), null);
    }

    // The framework's waiter leaves the queue when it is cancelled; this one passes on what it is given.
    private static async void ReleaseLater(Task entered, SemaphoreSlim semaphore)
    {
        await entered;
        try
        {
            semaphore.Release();
        }
        catch (Exception error) when (error is SemaphoreFullException or ObjectDisposedException)
        {
            // A signal that was given again meanwhile, or is needed no more.
        }
    }

    private static async Task UntilAsync(Task task, TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        TaskCompletionSource over = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenRegistration canceled = cancellationToken.UnsafeRegister(
            static (over, token) => ((TaskCompletionSource)over!).TrySetCanceled(token), over);
        using ITimer? timer = timeout == Timeout.InfiniteTimeSpan
            ? null
            : time.CreateTimer(static over => ((TaskCompletionSource)over!).TrySetException(new TimeoutException()), over, timeout,
                Timeout.InfiniteTimeSpan);
        CompleteAfter(task, over);
        await over.Task;
    }

    private static async void CompleteAfter(Task task, TaskCompletionSource over)
    {
        await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        over.TrySetResult();
    }
}
