using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Weir.Extensions.Tests.Brokers;
using Weir.Relay;
using Weir.Relay.Brokers;
using Weir.Testing;
using Xunit;

namespace Weir.Extensions.Tests.Protocols;

/// <summary>Two nodes with the broker of the one guide and the protocol of the other.</summary>
public sealed class ChatTests
{
    [Fact]
    public async Task Line_ReachesTheOtherMembersOnBothNodes_AndNotItsPublisher()
    {
        SharedMemory memory = new(TimeProvider.System);
        await using WebApplication first = await StartAsync(memory);
        await using WebApplication second = await StartAsync(memory);
        using ChatClient ann = await ChatClient.JoinAsync(first, "lobby");
        using ChatClient bob = await ChatClient.JoinAsync(first, "lobby");
        using ChatClient eve = await ChatClient.JoinAsync(second, "lobby");

        await ann.SendAsync("hello");
        Assert.Equal("hello", await bob.ReadAsync());
        Assert.Equal("hello", await eve.ReadAsync());
        await eve.SendAsync("good morning");

        Assert.Equal("good morning", await ann.ReadAsync()); // and not "hello" before it
        Assert.Equal("good morning", await bob.ReadAsync());
    }

    [Fact]
    public async Task MemberThatLeaves_LeavesTheRoom()
    {
        SharedMemory memory = new(TimeProvider.System);
        await using WebApplication node = await StartAsync(memory);
        Weir.Relay.Nodes.RelayNode relay = node.Services.GetRequiredService<Weir.Relay.Nodes.RelayNode>();
        using (await ChatClient.JoinAsync(node, "lobby"))
        {
            Assert.Equal(1, relay.Rooms.Single().Listeners);
        }

        await Bounded.Eventually(() => !relay.Rooms.Any());
    }

    // begin: host
    private static async Task<WebApplication> StartAsync(SharedMemory memory)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddWeir();
        builder.Services.AddSingleton<IBroker>(new SharedMemoryBroker(memory));
        builder.Services.AddWeirRelay();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, static listen =>
            listen.UseConnectionHandler<ChatHandler>()));
        WebApplication application = builder.Build();
        await application.StartAsync();
        return application;
    }

    // end
    private sealed class ChatClient : IDisposable
    {
        private readonly TcpClient _tcp = new();
        private StreamReader _reader = null!;
        private StreamWriter _writer = null!;

        public static async Task<ChatClient> JoinAsync(WebApplication node, string room)
        {
            string address = node.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
            ChatClient client = new();
            await client._tcp.ConnectAsync(IPAddress.Loopback, new Uri(address).Port).Within();
            client._reader = new StreamReader(client._tcp.GetStream());
            client._writer = new StreamWriter(client._tcp.GetStream()) { AutoFlush = true, NewLine = "\n" };
            await client.SendAsync(room);
            Assert.Equal("* joined", await client.ReadAsync());
            return client;
        }

        public Task SendAsync(string line) => _writer.WriteLineAsync(line).Within();

        public Task<string?> ReadAsync() => _reader.ReadLineAsync().Within();

        public void Dispose() => _tcp.Dispose();
    }
}
