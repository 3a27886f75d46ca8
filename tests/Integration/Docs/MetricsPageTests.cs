using System.Diagnostics.Metrics;
using System.Net;
using System.Reflection;
using System.Text.RegularExpressions;
using Weir.Closing;
using Weir.Diagnostics;
using Weir.Host.Features.Monitoring;
using Weir.Protocol;
using Weir.Relay.Brokers;
using Weir.Relay.Diagnostics;
using Weir.Sending;
using Weir.Sources.Diagnostics;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Docs;

/// <summary>docs/reference/metrics.md has the instruments that the packages create, and no others.</summary>
public sealed partial class MetricsPageTests
{
    private static readonly string[] _packages =
    [
        "Weir", "Weir.Auth", "Weir.Brokers.File", "Weir.Brokers.Kafka", "Weir.Brokers.Nats", "Weir.Brokers.Postgres", "Weir.Brokers.Redis",
        "Weir.Client", "Weir.Host", "Weir.Protocols.Centrifugo", "Weir.Relay", "Weir.Sources", "Weir.Sources.Kafka",
        "Weir.Transports.Epoll",
    ];

    private static readonly string _page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "reference", "metrics.md"));

    [Fact]
    public void Instruments_OfAllMetricsClasses_AreThoseOfThePage()
    {
        using MetricProbe factory = new();
        List<string> created = [];
        using MeterListener listener = new()
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (ReferenceEquals(instrument.Meter.Scope, factory))
                {
                    created.Add($"{instrument.Meter.Name} {instrument.Name} {KindOf(instrument)} {instrument.Unit}");
                }
            },
        };
        listener.Start();

        NewMetrics(factory);

        Assert.Equal(
            created.Order(StringComparer.Ordinal),
            Rows().Select(static row => $"{row.Meter} {row.Name} {row.Kind} {row.Unit}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Meters_AreNamedAsTheirPackages()
    {
        foreach (ConstructorInfo constructor in Constructors())
        {
            using MetricProbe factory = new();
            HashSet<string> meters = [];
            using MeterListener listener = new()
            {
                InstrumentPublished = (instrument, _) =>
                {
                    if (ReferenceEquals(instrument.Meter.Scope, factory))
                    {
                        meters.Add(instrument.Meter.Name);
                    }
                },
            };
            listener.Start();

            constructor.Invoke([factory]);

            Assert.Equal([constructor.DeclaringType!.Assembly.GetName().Name!], meters);
        }
    }

    [Fact]
    public void Attributes_OfWhatTheClassesMeasure_AreThoseOfThePage()
    {
        using MetricProbe probe = new();
        Measure(probe);

        foreach (Row row in Rows())
        {
            IReadOnlyList<IReadOnlyDictionary<string, object?>> measured = probe.TagsOf(row.Name);
            Assert.True(measured.Count > 0, $"{row.Name} is not measured by this test.");
            Assert.All(measured, tags => Assert.Equal(
                row.Attributes.Order(StringComparer.Ordinal), tags.Keys.Order(StringComparer.Ordinal)));
        }
    }

    [Theory]
    [InlineData("weir.connection.duration", "weir.close.cause")]
    [InlineData("weir.connections.closed", "weir.close.initiator")]
    [InlineData("weir.connections.by_state", "weir.connection.state")]
    [InlineData("weir.messages.dropped", "weir.policy")]
    [InlineData("weir.relay.positions_lost", "weir.reason")]
    [InlineData("weir.relay.recoveries", "weir.recovered")]
    public void Values_OfClosedSets_AreThoseOfThePage(string instrument, string attribute)
    {
        using MetricProbe probe = new();
        Measure(probe);

        IEnumerable<string?> values = probe.TagsOf(instrument).Select(tags => tags[attribute]?.ToString()).Distinct();
        Assert.Equal(values.Order(StringComparer.Ordinal), ValuesOf(attribute).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Attributes_OfAllInstruments_HaveARowWithTheirValues()
    {
        Assert.Equal(
            Rows().SelectMany(static row => row.Attributes).Distinct().Order(StringComparer.Ordinal),
            AttributeRow.Matches(_page).Select(static row => row.Groups["name"].Value).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task RealHost_PublishesInstrumentsOfThePageOnly_AndCoversTheEngines()
    {
        await using HostProcess host = await HostProcess.StartAsync();
        using (RawClient client = await host.OpenAsync("/ws?room=a"))
        {
            await client.SendCloseAsync();
            await client.DrainAsync();
        }

        await host.MetricBecomesAsync("weir_connections_closed_total", static value => value == 1);
        string[] published =
        [
            .. TypeLine.Matches(await host.BodyOfAsync("/metrics")).Select(static line => line.Groups[1].Value).Distinct(),
        ];

        string[] known = [.. Rows().Select(static row => PrometheusNameOf(row))];
        Assert.All(published, name => Assert.Contains(name, known));
        Assert.Contains("weir_connection_duration_seconds", published);
        Assert.Contains("weir_relay_broker_up", published);
    }

    // Every class that a package has for its meter, also one that is added later.
    private static ConstructorInfo[] Constructors()
    {
        ConstructorInfo[] constructors =
        [
            .. _packages.SelectMany(static package => Assembly.Load(package).GetTypes())
                .Where(static type => type.Name.EndsWith("Metrics", StringComparison.Ordinal))
                .Select(static type => type.GetConstructor([typeof(IMeterFactory)]))
                .OfType<ConstructorInfo>(),
        ];
        Assert.Contains(typeof(WeirMetrics), constructors.Select(static constructor => constructor.DeclaringType));
        return constructors;
    }

    private static List<object> NewMetrics(IMeterFactory factory)
        => [.. Constructors().Select(constructor => constructor.Invoke([factory]))];

    private static void Measure(MetricProbe probe)
    {
        foreach (object metrics in NewMetrics(probe))
        {
            switch (metrics)
            {
                case WeirMetrics engine:
                    Measure(engine);
                    break;
                case RelayMetrics relay:
                    Measure(relay);
                    break;
                case HostMetrics:
                    break; // measures itself
                case var kafka when kafka.GetType().Name is "KafkaMetrics" or "KafkaSourceMetrics":
                    kafka.GetType().GetMethod("Missed")!.Invoke(kafka, []);
                    break;
                case SourceMetrics source:
                    source.Handled("source", "published");
                    break;
                case { } postgres when postgres.GetType().Name == "PostgresMetrics":
                    postgres.GetType().GetMethod("Sent")!.Invoke(postgres, [0, 1]);
                    postgres.GetType().GetMethod("Sent")!.Invoke(postgres, [1, 1]);
                    postgres.GetType().GetMethod("Read")!.Invoke(postgres, [0]);
                    postgres.GetType().GetMethod("Moved")!.Invoke(postgres, [1]);
                    break;
                case { } file when file.GetType().Name == "FileMetrics":
                    file.GetType().GetMethod("Synchronized")!.Invoke(file, [TimeSpan.FromSeconds(1)]);
                    file.GetType().GetMethod("NotStored")!.Invoke(file, []);
                    file.GetType().GetMethod("SnapshotWritten")!.Invoke(file, [1L]);
                    break;
                case { } nats when nats.GetType().Name == "NatsMetrics":
                    nats.GetType().GetMethod("Note")!.Invoke(nats, ["nats:4222", true]);
                    nats.GetType().GetMethod("OnConflict")!.Invoke(nats, []);
                    nats.GetType().GetMethod("OnDisconnected")!.Invoke(nats, []);
                    break;
                default:
                    Assert.Equal("RedisMetrics", metrics.GetType().Name);
                    metrics.GetType().GetMethod("Note")!
                        .Invoke(metrics, [new Dictionary<EndPoint, bool> { [new DnsEndPoint("redis", 6379)] = true }]);
                    break;
            }
        }
    }

    private static void Measure(WeirMetrics metrics)
    {
        foreach (CloseCause cause in Enum.GetValues<CloseCause>())
        {
            metrics.Opened();
            metrics.States.CloseBegan();
            metrics.Closed(new WeirClosure(CloseCode.Normal, "", cause), TimeSpan.FromSeconds(1));
        }

        foreach (PressurePolicy policy in Enum.GetValues<PressurePolicy>())
        {
            metrics.Dropped(1, new PressureSettings(0, 0, default, policy, default, "", default).PolicyName);
        }

        metrics.DrainRemaining = static () => 1;
        metrics.TooSlow();
        metrics.Pressure(isHigh: true);
        metrics.Drained(1);
        metrics.HeartbeatMissed();
        metrics.PingRoundTrip(TimeSpan.FromSeconds(1));
        metrics.Refused(400, "protocol");
        metrics.WheelLag.Record(0);
    }

    private static void Measure(RelayMetrics metrics)
    {
        foreach (PositionLoss reason in Enum.GetValues<PositionLoss>())
        {
            metrics.PositionLost(reason);
        }

        metrics.Published("stored");
        metrics.FilledIn(1);
        metrics.Dropped();
        metrics.Recovery(isRecovered: true);
        metrics.Recovery(isRecovered: false);
        metrics.StreamOpened();
    }

    private static string KindOf(Instrument instrument)
        => instrument.GetType().Name.Split('`')[0] switch
        {
            "Counter" => "counter",
            "UpDownCounter" => "up-down counter",
            "Histogram" => "histogram",
            "ObservableCounter" => "observable counter",
            "ObservableUpDownCounter" => "observable up-down counter",
            "ObservableGauge" => "observable gauge",
            var other => other,
        };

    // The exporter's rules: the unit as a word, none for 1 and for what is in braces; "total" for counters.
    private static string PrometheusNameOf(Row row)
    {
        string name = row.Name.Replace('.', '_') + row.Unit switch
        {
            "s" => "_seconds",
            "By" => "_bytes",
            _ => "",
        };
        return row.Kind is "counter" or "observable counter" ? name + "_total" : name;
    }

    private static IEnumerable<Row> Rows()
    {
        string meter = "";
        foreach (string line in _page.Split('\n'))
        {
            if (line.StartsWith("## ", StringComparison.Ordinal))
            {
                meter = line.StartsWith("## Meter `", StringComparison.Ordinal) ? line.Split('`')[1] : "";
            }
            else if (meter.Length > 0 && line.StartsWith("| `", StringComparison.Ordinal))
            {
                string[] cells = [.. line.Split('|')[1..^1].Select(static cell => cell.Trim())];
                Assert.NotEqual("", cells[4]);
                yield return new Row(meter, cells[0].Trim('`'), cells[1], cells[2].Trim('`'), Quoted(cells[3]));
            }
        }
    }

    private static string[] ValuesOf(string attribute)
        => Quoted(AttributeRow.Matches(_page).Single(row => row.Groups["name"].Value == attribute).Groups["values"].Value);

    private static string[] Quoted(string cell) => [.. Code.Matches(cell).Select(static match => match.Groups[1].Value)];

    [GeneratedRegex(@"`([^`]+)`")]
    private static partial Regex Code { get; }

    [GeneratedRegex(@"^\| `(?<name>[a-z_.]+)` \| (?<values>[^|]+) \|$", RegexOptions.Multiline)]
    private static partial Regex AttributeRow { get; }

    [GeneratedRegex(@"^# TYPE (weir_\w+) ", RegexOptions.Multiline)]
    private static partial Regex TypeLine { get; }

    private sealed record Row(string Meter, string Name, string Kind, string Unit, string[] Attributes);
}
