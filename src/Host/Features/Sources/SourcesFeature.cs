using Weir.Host.Settings;
using Weir.Relay.Nodes;
using Weir.Sources.Kafka;

namespace Weir.Host.Features.Sources;

/// <summary>Logs and queues of others that feed rooms.</summary>
internal sealed class SourcesFeature : Feature
{
    private readonly List<KafkaSourceOptions> _kafka = [];

    public override IEnumerable<Setting> Settings => KafkaSourceSettings.Table.Settings;

    public override IEnumerable<string> Meters => ["Weir.Sources", "Weir.Sources.Kafka"];

    public override void Read(SettingsReader reader)
    {
        foreach (string entry in reader.ReadEntries(KafkaSourceSettings.Section))
        {
            KafkaSourceOptions options = KafkaSourceSettings.Table.Read(reader, entry).Value;
            try
            {
                options.Validate();
                _kafka.Add(options);
            }
            catch (ArgumentException error)
            {
                // A property may be a password, so values are not shown.
                reader.Complain(entry, "", $"a topic of Kafka with its settings; {error.Message}");
            }
        }
    }

    // After the relay, which these sources publish to.
    public override void AddServices(WebApplicationBuilder builder)
    {
        foreach (KafkaSourceOptions options in _kafka)
        {
            builder.Services.AddSingleton<IHostedService>(provider => new KafkaSource(
                provider.GetRequiredService<RelayNode>(), options, provider.GetService<ILoggerFactory>(),
                provider.GetService<TimeProvider>()));
        }
    }
}
