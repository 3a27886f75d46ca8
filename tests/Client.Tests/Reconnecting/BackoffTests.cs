using Weir.Client.Reconnecting;
using Xunit;

namespace Weir.Client.Tests.Reconnecting;

public sealed class BackoffTests
{
    [Fact]
    public void Next_WithoutJitter_DoublesUpToTheCap()
    {
        Backoff backoff = Create(new ReconnectOptions(), static () => 0);

        double[] seconds = [.. Enumerable.Range(0, 8).Select(_ => backoff.Next(null).TotalSeconds)];

        Assert.Equal([1, 2, 4, 8, 16, 30, 30, 30], seconds);
    }

    [Fact]
    public void Next_AfterAVeryLongOutage_StaysAtTheCap()
    {
        Backoff backoff = Create(new ReconnectOptions(), static () => 0);

        TimeSpan[] delays = [.. Enumerable.Range(0, 2000).Select(_ => backoff.Next(null))];

        Assert.All(delays[5..], static delay => Assert.Equal(TimeSpan.FromSeconds(30), delay));
    }

    [Fact]
    public void Reset_BeginsAnew()
    {
        Backoff backoff = Create(new ReconnectOptions(), static () => 0);
        _ = backoff.Next(null);
        _ = backoff.Next(null);

        backoff.Reset();

        Assert.Equal(TimeSpan.FromSeconds(1), backoff.Next(null));
    }

    // The random part is even over its second at every step, the cap included: each tenth holds a tenth of the clients.
    [Theory]
    [InlineData(0, 1)]
    [InlineData(3, 8)]
    [InlineData(9, 30)]
    public void Next_OverManyClients_IsEvenOverTheJitter(int failuresBefore, int baseSeconds)
    {
        const int Clients = 20_000;
        Random random = new(6455);
        int[] tenths = new int[10];

        for (int client = 0; client < Clients; client++)
        {
            Backoff backoff = Create(new ReconnectOptions(), random.NextDouble);
            for (int i = 0; i < failuresBefore; i++)
            {
                _ = backoff.Next(null);
            }

            double above = backoff.Next(null).TotalSeconds - baseSeconds;
            tenths[(int)(above * 10)]++; // an index out of range if it is not within [0, 1)
        }

        // Chi-squared with nine degrees of freedom: above 27.9 once in a thousand seeds, and this one is fixed.
        double expected = Clients / 10.0;
        Assert.InRange(tenths.Sum(count => (count - expected) * (count - expected) / expected), 0, 27.9);
    }

    [Theory]
    [InlineData(0, 1)] // ours is longer
    [InlineData(7, 7)]
    [InlineData(3600, 300)] // the most that it may request
    public void Next_RetryAfter_IsTheLeast(int retryAfter, int expected)
    {
        Backoff backoff = Create(new ReconnectOptions(), static () => 0.5);

        Assert.Equal(TimeSpan.FromSeconds(expected + 0.5), backoff.Next(TimeSpan.FromSeconds(retryAfter)));
    }

    [Fact]
    public void Options_Configure_EveryPart()
    {
        ReconnectOptions options = new()
        {
            BaseDelay = TimeSpan.FromMilliseconds(100),
            MaxDelay = TimeSpan.FromMilliseconds(300),
            Jitter = TimeSpan.FromMilliseconds(10),
            MaxRetryAfter = TimeSpan.Zero,
        };
        Backoff backoff = Create(options, static () => 0.5);

        double[] milliseconds = [.. Enumerable.Range(0, 4).Select(_ => backoff.Next(TimeSpan.FromHours(1)).TotalMilliseconds)];

        Assert.Equal([105, 205, 305, 305], milliseconds);
    }

    [Fact]
    public void Options_Nonsense_IsRefused()
    {
        ReconnectOptions options = new();

        Assert.Throws<ArgumentOutOfRangeException>(() => options.BaseDelay = TimeSpan.FromTicks(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => options.Jitter = TimeSpan.FromTicks(-1));
    }

    private static Backoff Create(ReconnectOptions reconnect, Func<double> nextRandom) => new(new BackoffSettings(
        reconnect.BaseDelay, reconnect.MaxDelay, reconnect.Jitter, reconnect.MaxRetryAfter, nextRandom));
}
