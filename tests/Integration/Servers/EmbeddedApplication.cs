using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Weir.Host.Features.Rooms;
using Weir.Integration.Servers;
using Xunit;

[assembly: AssemblyFixture(typeof(EmbeddedApplication))]

namespace Weir.Integration.Servers;

/// <summary>
/// An application as its author would write it: several WebSocket paths by both doors, a minimal API and health, all on
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
        Quiet.Configure(options);
        options.Deflate.Enabled = true;
    }

    private static void WithDeflateContexts(WeirOptions options)
    {
        Quiet.Configure(options);
        options.Deflate.Enabled = true;
        options.Deflate.MinimumBytes = 32;
        options.Deflate.ServerContextTakeover = true;
        options.Deflate.ClientContextTakeover = true;
    }

    private static void WithSubprotocols(WeirOptions options)
    {
        Quiet.Configure(options);
        options.Subprotocols = ["v2.chat", "v1.chat"];
    }

    private void Listen(ListenOptions listen)
    {
        listen.UseWeir("/echo", _scripted, Quiet.Configure);
        listen.UseWeir("/deflate", _scripted, WithDeflate);
        listen.UseWeir("/deflate/contexts", _scripted, WithDeflateContexts);
        listen.UseWeir("/chat", _scripted, WithSubprotocols);
        listen.UseWeir("/relay", _relay, Quiet.Configure);
        listen.UseWeir("/reversed", static (connection, message) =>
        {
            connection.Send(string.Concat(Encoding.UTF8.GetString(message.Payload).Reverse()));
            return ValueTask.CompletedTask;
        }, Quiet.Configure);
    }

    private void Map(WebApplication app)
    {
        app.MapWeir("/echo", _scripted, Quiet.Configure);
        app.MapWeir("/deflate", _scripted, WithDeflate);
        app.MapWeir("/deflate/contexts", _scripted, WithDeflateContexts);
        app.MapWeir("/chat", _scripted, WithSubprotocols);
        app.MapWeir("/relay", _relay, Quiet.Configure);
        app.MapGet("/", static () => "hello");
        app.MapGet("/health", static () => "healthy");
    }
}
