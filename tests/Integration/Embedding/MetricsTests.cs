using Weir.Integration.Servers;
using Weir.Testing;
using Xunit;

namespace Weir.Integration.Embedding;

/// <summary>One meter for the whole application, though its endpoints are declared in different places.</summary>
public sealed class MetricsTests
{
    [Fact]
    public async Task Traffic_OfListenerAndPipeline_IsCountedOnOneMeter()
    {
        await using TestServer server = await TestServer.StartAsync(
            static listen => listen.UseWeir("/first", new ScriptedHandler(), NoHeartbeat.Configure),
            static app => app.MapWeir("/second", new ScriptedHandler(), NoHeartbeat.Configure));
        using RawClient first = await server.OpenAsync("/first");
        using RawClient second = await server.OpenAsync("/second");

        foreach (RawClient client in (RawClient[])[first, first, second])
        {
            await client.SendTextAsync("four");
            await client.ReadFrameAsync();
        }

        // A message is counted when the pass that handled it ends, a moment after its echo has gone.
        await Bounded.Eventually(() => server.Metrics.Sum("weir.messages.received") == 3);
        Assert.Equal(12, server.Metrics.Sum("weir.payload.received"));
        Assert.Equal(3, server.Metrics.Sum("weir.messages.sent"));
        Assert.Equal(12, server.Metrics.Sum("weir.payload.sent"));
        Assert.Equal(2, server.Metrics.Sum("weir.connections.active"));
    }
}
