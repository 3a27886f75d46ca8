using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Weir.Timing;
using Xunit;

namespace Weir.Core.Tests.Timing;

public sealed class CalendarTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly Calendar _calendar;
    private readonly List<int> _called = [];

    public CalendarTests() => _calendar = new Calendar(_time, NullLogger.Instance);

    public void Dispose() => _calendar.Dispose();

    [Fact]
    public void Schedule_Many_AreCalledInTheOrderOfTheirTimes()
    {
        Random random = new(4711);
        Entry[] entries = [.. Enumerable.Range(0, 500).Select(i => new Entry(i, _called))];
        int[] seconds = [.. entries.Select(_ => random.Next(1, 10_000))];
        for (int i = 0; i < entries.Length; i++)
        {
            _calendar.Schedule(entries[i], _time.GetUtcNow().AddSeconds(1)); // and moved:
            _calendar.Schedule(entries[i], _time.GetUtcNow().AddSeconds(seconds[i]));
        }

        int[] canceled = [.. entries.Where(_ => random.Next(3) == 0).Select(static entry => entry.Number)];
        Assert.All(canceled, i => Assert.True(_calendar.Cancel(entries[i])));
        Assert.All(canceled, i => Assert.False(_calendar.Cancel(entries[i])));
        _time.Advance(TimeSpan.FromSeconds(10_000));

        Assert.Equal(entries.Length - canceled.Length, _called.Count);
        Assert.Empty(_called.Intersect(canceled));
        Assert.Equal(_called.Select(i => seconds[i]).Order(), _called.Select(i => seconds[i]));
        Assert.Equal(0, _calendar.Count);
    }

    [Fact]
    public void Schedule_IsNeverEarly()
    {
        _calendar.Schedule(new Entry(1, _called), _time.GetUtcNow().AddMilliseconds(2_500));

        _time.Advance(TimeSpan.FromMilliseconds(2_499));
        Assert.Empty(_called);
        _time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal([1], _called);
    }

    [Fact]
    public void Schedule_LastTimeThereIs_IsNeverCalled()
    {
        _calendar.Schedule(new Entry(1, _called), DateTimeOffset.MaxValue);

        _time.Advance(TimeSpan.FromDays(100));

        Assert.Empty(_called);
        Assert.Equal(1, _calendar.Count);
    }

    // A suspended machine, or a clock that is set: the monotonic time has not moved.
    [Fact]
    public void Clock_IsSetForward_IsNoticedWithinASecond()
    {
        SettableClock time = new();
        using Calendar calendar = new(time, NullLogger.Instance);
        calendar.Schedule(new Entry(1, _called), time.GetUtcNow().AddDays(1));

        time.Offset = TimeSpan.FromDays(1);
        time.Advance(Calendar.LongestSleep);

        Assert.Equal([1], _called);
    }

    [Fact]
    public void OnDue_Throws_TheNextIsCalledAllTheSame()
    {
        _calendar.Schedule(new Entry(1, _called) { Throws = true }, _time.GetUtcNow().AddSeconds(1));
        _calendar.Schedule(new Entry(2, _called), _time.GetUtcNow().AddSeconds(1));

        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal([1, 2], _called);
    }

    private sealed class Entry(int number, List<int> called) : CalendarEntry
    {
        public int Number => number;

        public bool Throws { get; init; }

        protected internal override void OnDue()
        {
            called.Add(number);
            if (Throws)
            {
                throw new InvalidOperationException("On purpose.");
            }
        }
    }

    private sealed class SettableClock : FakeTimeProvider
    {
        public TimeSpan Offset { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Offset;
    }
}
