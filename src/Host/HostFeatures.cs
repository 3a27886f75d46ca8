using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Weir.Host.Features;
using Weir.Host.Features.Api;
using Weir.Host.Features.Auth;
using Weir.Host.Features.Brokers;
using Weir.Host.Features.Centrifugo;
using Weir.Host.Features.Deflate;
using Weir.Host.Features.Drain;
using Weir.Host.Features.Echo;
using Weir.Host.Features.File;
using Weir.Host.Features.Heartbeat;
using Weir.Host.Features.Kafka;
using Weir.Host.Features.Limits;
using Weir.Host.Features.Management;
using Weir.Host.Features.Memory;
using Weir.Host.Features.Monitoring;
using Weir.Host.Features.Nats;
using Weir.Host.Features.Node;
using Weir.Host.Features.Origins;
using Weir.Host.Features.Pages;
using Weir.Host.Features.Postgres;
using Weir.Host.Features.Pressure;
using Weir.Host.Features.Proxies;
using Weir.Host.Features.Redis;
using Weir.Host.Features.Rooms;
using Weir.Host.Features.Sources;
using Weir.Host.Features.Streams;
using Weir.Host.Features.Transport;
using Weir.Host.Features.WarmUp;
using Weir.Host.Settings;

namespace Weir.Host;

/// <summary>The features of the server, composed here and only here.</summary>
internal sealed class HostFeatures
{
    private readonly Feature[] _all;

    /// <summary>Composes the features, with no configuration: every setting has its default.</summary>
    public HostFeatures()
    {
        Auth = new AuthFeature();
        TransportFeature transport = new();
        MemoryBrokerFeature memory = new();
        FileFeature file = new();
        RedisFeature redis = new();
        KafkaFeature kafka = new();
        Postgres = new PostgresFeature();
        NatsFeature nats = new();
        BrokersFeature brokers = new(memory, file, redis, kafka, nats, Postgres);
        _all =
        [
            new LimitsFeature(() => _all!.SelectMany(static feature => feature.PathsWithHeadLimit)),
            new HeartbeatFeature(),
            new PressureFeature(),
            new DeflateFeature(),
            new OriginsFeature(),
            new ProxiesFeature(),
            new DrainFeature(),
            transport,
            new WarmUpFeature(transport),
            new ManagementFeature(),
            new MonitoringFeature(() => _all!.SelectMany(static feature => feature.Meters)),
            new NodeFeature(Configure),
            brokers,
            memory,
            file,
            redis,
            kafka,
            Postgres,
            nats,
            Auth,
            new RoomsFeature(Auth, brokers, Configure),
            new SourcesFeature(),
            new CentrifugoFeature(Configure),
            new EchoFeature(Configure),
            new StreamsFeature(Configure),
            new ApiFeature(Configure),
            new PagesFeature(),
        ];
    }

    /// <summary>Gets authentication, whose keys the command <c>token</c> uses.</summary>
    public AuthFeature Auth { get; }

    /// <summary>Gets the broker PostgreSQL, whose database the command <c>migrate</c> prepares.</summary>
    public PostgresFeature Postgres { get; }

    /// <summary>Gets the settings of all features.</summary>
    public IEnumerable<Setting> Settings => _all.SelectMany(static feature => feature.Settings);

    /// <summary>Reads everything below <c>Weir:</c>.</summary>
    /// <exception cref="SettingsException">The configuration is not valid; the message lists all errors.</exception>
    public static HostFeatures Read(IConfiguration configuration) => Read(new SettingsReader(configuration));

    /// <inheritdoc cref="Read(IConfiguration)"/>
    public static HostFeatures Read(SettingsReader reader)
    {
        HostFeatures features = new();
        foreach (Feature feature in features._all)
        {
            feature.Read(reader);
        }

        reader.ComplainAboutUnknown("Weir", [.. features.Settings.Select(static setting => setting.Key)]);
        return reader.Complaints.Count == 0 ? features : throw new SettingsException(reader.Complaints);
    }

    /// <inheritdoc cref="Feature.ReportAsync"/>
    public async Task ReportAsync(Exposure exposure, CancellationToken cancellationToken)
    {
        foreach (Feature feature in _all)
        {
            await feature.ReportAsync(exposure, cancellationToken);
        }
    }

    /// <inheritdoc cref="Feature.BeforeStartAsync"/>
    public async Task BeforeStartAsync(Func<WebApplicationBuilder, WebApplication> build)
    {
        foreach (Feature feature in _all)
        {
            await feature.BeforeStartAsync(build);
        }
    }

    /// <inheritdoc cref="Feature.AddServices"/>
    public void AddServices(WebApplicationBuilder builder) => ForEach(feature => feature.AddServices(builder));

    /// <inheritdoc cref="Feature.Configure(KestrelServerOptions)"/>
    public void Configure(KestrelServerOptions kestrel) => ForEach(feature => feature.Configure(kestrel));

    /// <inheritdoc cref="Feature.UseBelowTls"/>
    public void UseBelowTls(IConnectionBuilder listener) => ForEach(feature => feature.UseBelowTls(listener));

    /// <inheritdoc cref="Feature.UseAboveTls"/>
    public void UseAboveTls(IConnectionBuilder listener) => ForEach(feature => feature.UseAboveTls(listener));

    /// <inheritdoc cref="Feature.Map"/>
    public void Map(WebApplication app) => ForEach(feature => feature.Map(app));

    private void Configure(WeirNodeOptions node) => ForEach(feature => feature.Configure(node));

    private void Configure(WeirOptions endpoint)
    {
        endpoint.KeepRequest = false; // the handlers copy the fields that they need when the connection opens
        ForEach(feature => feature.Configure(endpoint));
    }

    private void ForEach(Action<Feature> action) => Array.ForEach(_all, action);
}
