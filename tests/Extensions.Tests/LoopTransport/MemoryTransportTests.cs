using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Weir.Connections;
using Weir.Protocol;
using Weir.Rooms;
using Weir.Sending;
using Weir.Testing;
using Xunit;

namespace Weir.Extensions.Tests.LoopTransport;

/// <summary>A transport written against public types only, under Kestrel and the engine.</summary>
public sealed class MemoryTransportTests : IAsyncLifetime
{
    private readonly MemoryTransport _transport = new();
    private static readonly byte[] _flood = new byte[16 * 1024];

    private readonly RoomDirectory _rooms = new();
    private readonly ConcurrentBag<ClientWebSocket> _clients = [];
    private WebApplication? _app;
    private volatile bool _ranOnLoop = true;

    public async ValueTask InitializeAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<IConnectionListenerFactory>(_transport);
        builder.Services.AddWeir(static options => options.DrainWindow = TimeSpan.Zero);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(new MemoryEndPoint("server"), listen => listen
            .UseWeir("/echo", (connection, message) =>
            {
                NoteThread();
                connection.Send(message.Payload, message.Kind);
                return ValueTask.CompletedTask;
            })
            .UseWeir("/room", new Lobby(this))
            .UseWeir(
                "/flood",
                (connection, _) =>
                {
                    while (connection.Send(_flood, MessageKind.Binary) is SendResult.Sent or SendResult.Queued)
                    {
                    }

                    return ValueTask.CompletedTask;
                },
                static options =>
                {
                    options.Pressure.CloseAtBytes = 256 * 1024;
                    options.Pressure.CloseTimeout = TimeSpan.FromMilliseconds(200);
                })));
        _app = builder.Build();
        _app.MapGet("/plain", static () => "plain");
        await _app.StartAsync().Within();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (ClientWebSocket client in _clients)
        {
            client.Abort(); // the drain does not wait for answers of clients that no test reads any more
        }

        await _app!.StopAsync().Within();
        await _app.DisposeAsync();
        _transport.Dispose();
        Assert.Null(_transport.Failure);
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Echo_ManyMessages_AnsweredOnTheLoopByADetachedConnection()
    {
        (ClientWebSocket client, MemoryConnection server) = await ConnectAsync("/echo");
        await Bounded.Eventually(() => server.IsDetached);

        for (int i = 0; i < 1000; i++)
        {
            await SendAsync(client, $"message {i}");
            Assert.Equal($"message {i}", await ReceiveAsync(client));
        }

        string large = new('x', 1024 * 1024);
        await SendAsync(client, large);
        Assert.Equal(large, await ReceiveAsync(client));
        Assert.True(_ranOnLoop);
        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "", TestContext.Current.CancellationToken).Within();
        await server.Ended.Within();
    }

    [Fact]
    public async Task Room_APublication_ReachesTheOtherMembersInOrder()
    {
        (ClientWebSocket publisher, _) = await ConnectAsync("/room");
        ClientWebSocket[] others = [.. await Task.WhenAll(Enumerable.Range(0, 10).Select(async _ => (await ConnectAsync("/room")).Client))];
        await Bounded.Eventually(() => _rooms.TryGet("lobby", out Room? room) && room.Count == 11);

        for (int i = 0; i < 100; i++)
        {
            await SendAsync(publisher, $"{i}");
        }

        foreach (ClientWebSocket other in others)
        {
            for (int i = 0; i < 100; i++)
            {
                Assert.Equal($"{i}", await ReceiveAsync(other));
            }
        }

        Assert.True(_ranOnLoop);
    }

    [Fact]
    public async Task Client_ThatDisconnects_LeavesItsRoom()
    {
        (ClientWebSocket client, MemoryConnection server) = await ConnectAsync("/room");
        await Bounded.Eventually(() => _rooms.Count == 1);

        client.Abort();

        await server.Ended.Within();
        await Bounded.Eventually(() => _rooms.Count == 0);
    }

    [Fact]
    public async Task Client_ThatDoesNotRead_IsClosed()
    {
        (ClientWebSocket client, MemoryConnection server) = await ConnectAsync("/flood");
        await Bounded.Eventually(() => server.IsDetached);

        await SendAsync(client, "begin");

        await server.Ended.Within();
        Assert.Equal(0, _app!.Services.GetRequiredService<WeirNode>().PendingBytes);
    }

    [Fact]
    public async Task Http_OnTheSamePort_IsServedByKestrel()
    {
        using HttpClient http = new(Handler(out _));

        Assert.Equal("plain", await http.GetStringAsync("http://server/plain", TestContext.Current.CancellationToken).Within());
    }

    [Fact]
    public async Task Drain_ClosesADetachedConnectionWith1001()
    {
        (ClientWebSocket client, MemoryConnection server) = await ConnectAsync("/echo");
        await Bounded.Eventually(() => server.IsDetached);

        Task drain = _app!.Services.GetRequiredService<WeirNode>().DrainAsync(TimeSpan.Zero, TestContext.Current.CancellationToken);
        WebSocketReceiveResult received = await client.ReceiveAsync(new byte[16], TestContext.Current.CancellationToken).Within();
        await client.CloseOutputAsync(received.CloseStatus!.Value, "", TestContext.Current.CancellationToken).Within();

        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, received.CloseStatus);
        await drain.Within();
        await server.Ended.Within();
    }

    private void NoteThread() => _ranOnLoop &= Thread.CurrentThread.Name == "memory loop";

    private SocketsHttpHandler Handler(out Func<MemoryConnection?> server)
    {
        MemoryConnection? accepted = null;
        server = () => accepted;
        return new SocketsHttpHandler { ConnectCallback = (_, _) => new ValueTask<Stream>(_transport.Connect("server", out accepted)) };
    }

    private async Task<(ClientWebSocket Client, MemoryConnection Server)> ConnectAsync(string path)
    {
        ClientWebSocket client = new();
        _clients.Add(client);
        HttpMessageInvoker invoker = new(Handler(out Func<MemoryConnection?> server));
        await client.ConnectAsync(new Uri("ws://server" + path), invoker, TestContext.Current.CancellationToken).Within();
        return (client, server()!);
    }

    private static Task SendAsync(ClientWebSocket client, string text) => client
        .SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, TestContext.Current.CancellationToken)
        .Within();

    private static async Task<string> ReceiveAsync(ClientWebSocket client)
    {
        using MemoryStream message = new();
        byte[] buffer = new byte[64 * 1024];
        WebSocketReceiveResult result;
        do
        {
            result = await client.ReceiveAsync(buffer, TestContext.Current.CancellationToken).Within();
            message.Write(buffer, 0, result.Count);
        }
        while (!result.EndOfMessage);
        return Encoding.UTF8.GetString(message.ToArray());
    }

    private sealed class Lobby(MemoryTransportTests test) : WeirHandler
    {
        public override ValueTask OnOpenedAsync(WeirConnection connection)
        {
            test._rooms.Join("lobby", connection);
            return ValueTask.CompletedTask;
        }

        public override ValueTask OnMessageAsync(WeirConnection connection, WeirMessage message)
        {
            test.NoteThread();
            test._rooms.Publish("lobby", message.Payload, MessageKind.Text, except: connection);
            return ValueTask.CompletedTask;
        }
    }
}
