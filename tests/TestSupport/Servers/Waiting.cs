using Weir.Testing;

namespace Weir.TestSupport.Servers;

/// <summary>Waits for a state that has to be requested from a process.</summary>
public static class Waiting
{
    private static readonly TimeSpan _between = TimeSpan.FromMilliseconds(20);

    /// <exception cref="TimeoutException">Still false after <paramref name="limit"/> (null: 10 s).</exception>
    public static async Task UntilAsync(Func<Task<bool>> condition, string what, TimeSpan? limit = null)
    {
        TimeSpan bound = limit ?? Bounded.DefaultLimit;
        long start = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            if (TimeProvider.System.GetElapsedTime(start) > bound)
            {
                throw new TimeoutException($"Not within {bound.TotalSeconds} s: {what}");
            }

            await Task.Delay(_between, TimeProvider.System, CancellationToken.None);
        }
    }

    /// <summary>Waits until so much time has passed for a server: by its own clock, which is what its expiries go by.</summary>
    public static async Task PassAsync(RedisServer server, TimeSpan time)
    {
        DateTimeOffset start = await server.ReadTimeAsync();
        await UntilAsync(async () => await server.ReadTimeAsync() - start >= time, $"{time} on the clock of the server");
    }

    /// <summary>Waits for a fixed time, for tests of what happens in it.</summary>
    public static Task PassAsync(TimeSpan time) => Task.Delay(time, TimeProvider.System, CancellationToken.None);
}
