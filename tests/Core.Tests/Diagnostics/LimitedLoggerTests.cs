using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Weir.Diagnostics;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Diagnostics;

/// <summary>What happens to ten thousand clients at once is one line per second.</summary>
public sealed class LimitedLoggerTests : IDisposable
{
    private static readonly TimeSpan _second = TimeSpan.FromSeconds(1);

    private readonly FakeTimeProvider _time = new();
    private readonly LogProbe _probe = new();
    private readonly ILogger _logger;

    public LimitedLoggerTests() => _logger = _probe.CreateLimitedLogger("Weir", _time);

    public void Dispose() => _probe.Dispose();

    private string[] Lines => [.. _probe.Records.Select(static record => record.Message)];

    [Fact]
    public void Warnings_OfOneEvent_AreTheFirstAndOneASecondWithTheirNumber()
    {
        for (int i = 1; i <= 10_000; i++)
        {
            WeirLog.TooSlow(_logger, $"c{i}", 1009);
        }

        Assert.Equal(["Connection c1: the client reads too slowly; closing with 1009"], Lines);
        _time.Advance(_second);
        Assert.Equal("Connection c10000: the client reads too slowly; closing with 1009 (the last of 9999 in one second)", Lines[1]);

        WeirLog.TooSlow(_logger, "d1", 1009); // within the second of that line
        WeirLog.TooSlow(_logger, "d2", 1009);
        Assert.Equal(2, Lines.Length);
        _time.Advance(_second);
        Assert.Equal("Connection d2: the client reads too slowly; closing with 1009 (the last of 2 in one second)", Lines[2]);
        _time.Advance(10 * _second);
        Assert.Equal(3, Lines.Length);
    }

    [Fact]
    public void Line_WithItsNumber_KeepsIdLevelAndPlaceholders()
    {
        for (int i = 1; i <= 3; i++)
        {
            WeirLog.MessagesDropped(_logger, $"c{i}", "KeepLatest");
        }

        _time.Advance(_second);

        LogRecord counted = _probe.Of("MessagesDropped")[1];
        Assert.Equal((208, LogLevel.Warning, "Weir"), (counted.EventId.Id, counted.Level, counted.Category));
        Assert.Equal("c3", counted.Values["ConnectionId"]);
        Assert.Equal("KeepLatest", counted.Values["Policy"]);
        Assert.Equal(2, counted.Values["Repeated"]);
    }

    [Fact]
    public void Second_OfItsKind_IsWrittenAsItIsWhenTheSecondIsOver()
    {
        InvalidOperationException error = new("the second");
        WeirLog.HandlerFailed(_logger, new InvalidOperationException("the first"), "c1", "/ws");
        WeirLog.HandlerFailed(_logger, error, "c2", "/ws");

        Assert.Single(Lines);
        _time.Advance(_second);

        Assert.Equal("Connection c2: the handler of /ws threw; closing with 1011", Lines[1]);
        Assert.Same(error, _probe.Records[1].Exception);
    }

    [Fact]
    public void EventsApartByMoreThanASecond_AreAllWrittenImmediately()
    {
        for (int i = 1; i <= 3; i++)
        {
            WeirLog.TooSlow(_logger, $"c{i}", 1009);
            Assert.Equal(i, Lines.Length);
            _time.Advance(_second);
        }

        Assert.DoesNotContain(Lines, static line => line.Contains("last of", StringComparison.Ordinal));
    }

    [Fact]
    public void OtherEvents_AndThoseBelowWarning_AreNotHeld()
    {
        WeirLog.TooSlow(_logger, "c1", 1009);
        WeirLog.TooSlow(_logger, "c2", 1009); // held
        WeirLog.MessagesDropped(_logger, "c2", "KeepLatest");
        WeirLog.ConnectionOpened(_logger, "c3", "/ws");
        WeirLog.ConnectionOpened(_logger, "c4", "/ws");

        Assert.Equal(["c1", "c2", "c3", "c4"], _probe.Records.Select(static record => record.Values["ConnectionId"]));
    }

    [Fact]
    public async Task ManyThreads_LoseNoLineFromTheCount()
    {
        const int Threads = 8;
        const int Each = 2_000;
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(_ => Task.Run(() =>
        {
            for (int i = 0; i < Each; i++)
            {
                WeirLog.TooSlow(_logger, "c", 1009);
                if (i % 500 == 0)
                {
                    _time.Advance(_second);
                }
            }
        }))).Within();
        _time.Advance(_second);

        Assert.Equal(Threads * Each, _probe.Records.Sum(static record => record.Values.TryGetValue("Repeated", out object? n) ? (int)n! : 1));
    }
}
