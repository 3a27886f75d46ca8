using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Weir.Host.Features.Rooms;
using Weir.Integration.Servers;
using Xunit;

[assembly: AssemblyFixture(typeof(EmbeddedApplication))]

namespace Weir.Integration.Servers;

/// <summary>
/// An application as its author would write it: WebSocket paths on the listener and in the pipeline, a minimal API and health, all on
/// the same ports. Shared by all tests that do not change it.
/// </summary>
public sealed class EmbeddedApplication : IAsyncLifetime
{
    private readonly ScriptedHandler _scripted = new();
    private readonly RelayHandler _relay = SingleNode.NewRelay();
    private TestServer? _server;

    internal TestServer Server => _server!;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync(Listen, Map);

    public ValueTask DisposeAsync() => Server.DisposeAsync();

    private static void WithDeflate(WeirOptions options)
    {
        NoHeartbeat.Configure(options);
        options.Deflate.Enabled = true;
    }

    private static void WithDeflateContexts(WeirOptions options)
    {
        NoHeartbeat.Configure(options);
        options.Deflate.Enabled = true;
        options.Deflate.MinimumBytes = 32;
        options.Deflate.ServerContextTakeover = true;
        options.Deflate.ClientContextTakeover = true;
    }

    private static void WithSubprotocols(WeirOptions options)
    {
        NoHeartbeat.Configure(options);
        options.Subprotocols = ["v2.chat", "v1.chat"];
    }

    private void Listen(ListenOptions listen)
    {
        listen.UseWeir("/echo", _scripted, NoHeartbeat.Configure);
        listen.UseWeir("/deflate", _scripted, WithDeflate);
        listen.UseWeir("/deflate/contexts", _scripted, WithDeflateContexts);
        listen.UseWeir("/chat", _scripted, WithSubprotocols);
        listen.UseWeir("/relay", _relay, NoHeartbeat.Configure);
        listen.UseWeir("/reversed", static (connection, message) =>
        {
            connection.Send(string.Concat(Encoding.UTF8.GetString(message.Payload).Reverse()));
            return ValueTask.CompletedTask;
        }, NoHeartbeat.Configure);
    }

    private void Map(WebApplication app)
    {
        app.MapWeir("/echo", _scripted, NoHeartbeat.Configure);
        app.MapWeir("/deflate", _scripted, WithDeflate);
        app.MapWeir("/deflate/contexts", _scripted, WithDeflateContexts);
        app.MapWeir("/chat", _scripted, WithSubprotocols);
        app.MapWeir("/relay", _relay, NoHeartbeat.Configure);
        app.MapGet("/", static () => "hello");
        app.MapGet("/health", static () => "healthy");
    }
}
