namespace Weir.Host.Features.Node;

/// <summary>The node: its limits and drain, its memory, its clock.</summary>
/// <param name="configureNode">Applies the settings of all features.</param>
internal sealed class NodeFeature(Action<WeirNodeOptions> configureNode) : Feature
{
    public override IEnumerable<string> Meters => ["Weir"];

    public override void AddServices(WebApplicationBuilder builder)
    {
        builder.Services.AddWeirMemoryPool();
        builder.Services.AddWeir(configureNode);
        builder.Services.AddHostedService<MemoryTrim>();
        builder.Services.AddSingleton(TimeProvider.System);
    }
}
