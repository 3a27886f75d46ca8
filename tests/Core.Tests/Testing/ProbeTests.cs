using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Testing;

public class ProbeTests
{
    [Fact]
    public void MetricProbe_Counters_AreSummedByTag()
    {
        using MetricProbe probe = new();
        UpDownCounter<long> level = probe.Create(new MeterOptions("m")).CreateUpDownCounter<long>("level");

        level.Add(5, new("transport", "tls"), new("room", 1));
        level.Add(2, new("room", 1), new KeyValuePair<string, object?>("transport", "tls"));
        level.Add(-3, new KeyValuePair<string, object?>("transport", "tcp"));

        Assert.Equal(4, probe.Sum("level"));
        Assert.Equal(7, probe.Sum("level", ("transport", "tls")));
        Assert.Equal(2, probe.Count("level", ("room", 1)));
        Assert.Equal(0, probe.Sum("level", ("transport", "none")));
        Assert.Equal(2, probe.TagsOf("level").Count);
    }

    [Fact]
    public void MetricProbe_ObservableGauge_IsReadAndNotAddedUp()
    {
        using MetricProbe probe = new();
        int value = 3;
        probe.Create(new MeterOptions("m")).CreateObservableGauge("gauge", () => value);

        Assert.Equal(3, probe.Sum("gauge"));
        value = 2;
        Assert.Equal(2, probe.Sum("gauge"));
    }

    [Fact]
    public void MetricProbe_MetersOfOthers_AreRecordedOnlyByName()
    {
        string name = Guid.NewGuid().ToString();
        using MetricProbe alone = new();
        using MetricProbe named = new(name);
        using Meter meter = new(name);

        meter.CreateHistogram<double>("seconds").Record(1.5);

        Assert.Equal(0, alone.Count("seconds"));
        Assert.Equal(1.5, named.Sum("seconds"));
    }

    [Fact]
    public void LogProbe_Message_IsRecordedWhole()
    {
        using LogProbe probe = new(LogLevel.Debug);
        InvalidOperationException error = new();
        ILogger logger = probe.CreateLogger("Weir.X");
        Action<ILogger, int, Exception?> log =
            LoggerMessage.Define<int>(LogLevel.Warning, new EventId(7, "Slow"), "Slow by {Bytes} bytes");
        Action<ILogger, Exception?> trace = LoggerMessage.Define(LogLevel.Trace, new EventId(8, "Frame"), "frame");

        log(logger, 12, error);
        trace(logger, null);

        LogRecord record = Assert.Single(probe.Records);
        Assert.Equal(("Weir.X", LogLevel.Warning, 7), (record.Category, record.Level, record.EventId.Id));
        Assert.Equal("Slow by 12 bytes", record.Message);
        Assert.Equal(12, record.Values["Bytes"]);
        Assert.Same(error, record.Exception);
        Assert.Same(record, Assert.Single(probe.Of("Slow")));
    }
}
