using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Weir.Integration.Servers;
using Weir.Testing;
using Xunit;

namespace Weir.Integration.Wire;

/// <summary>Clients that take their time with the handshake, on a clock of the test's own.</summary>
public sealed class HandshakeTimeTests : IAsyncLifetime
{
    private const string Head =
        "GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

    private readonly FakeTimeProvider _time = new();
    private readonly SemaphoreSlim _waiting = new(0);
    private TestServer? _server;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync(
        listen =>
        {
            listen.Use(next => async transport =>
            {
                Task served = next(transport); // runs up to its first wait: the time-out has been started then
                _waiting.Release();
                await served;
            });
            listen.UseWeir("/echo", new ScriptedHandler(), NoHeartbeat.Configure);
        },
        services: services => services.AddSingleton<TimeProvider>(_time));

    public async ValueTask DisposeAsync()
    {
        await _server!.DisposeAsync();
        _waiting.Dispose();
    }

    [Fact]
    public async Task SilentClient_IsEndedAfterTheTimeout()
    {
        using RawClient client = await ConnectAsync();
        Task<(TcpEnd End, long Bytes)> ended = client.DrainAsync();

        Advance(9);
        bool endedEarly = ended.IsCompleted;
        Advance(2);

        Assert.Equal(0, (await ended).Bytes);
        Assert.False(endedEarly);
        Assert.Single(_server!.Logs.Of("HandshakeTimedOut"));
        Assert.Equal(1, _server.Metrics.Sum("weir.handshakes.refused", ("http.response.status_code", 0)));
    }

    [Fact]
    public async Task SlowlorisClient_IsEndedThoughItNeverStops()
    {
        using RawClient slow = await ConnectAsync();
        using RawClient late = await ConnectAsync();
        Task<(TcpEnd End, long Bytes)> ended = slow.DrainAsync();

        // One byte a second: each comes in time, the head never does.
        for (int second = 0; second < 9; second++)
        {
            await slow.SendHeadAsync(Head[second..(second + 1)]);
            Advance(1);
        }

        await late.SendHeadAsync(Head);
        int status = (await late.ReadHeadAsync()).Status;
        bool endedEarly = ended.IsCompleted;
        Advance(2);

        Assert.Equal(101, status);
        Assert.False(endedEarly);
        Assert.Equal(0, (await ended).Bytes);
    }

    [Fact]
    public async Task OpenConnection_MayBeSilentForHours()
    {
        using RawClient client = await ConnectAsync();
        await client.HandshakeAsync("/echo");

        Advance(24 * 3600);
        await client.SendTextAsync("good morning");

        Assert.Equal("good morning", (await client.ReadFrameAsync()).Text);
    }

    [Fact]
    public async Task CloseWithoutAnswer_IsEndedAfterTheCloseTimeout()
    {
        using RawClient client = await ConnectAsync();
        await client.HandshakeAsync("/echo");
        await client.SendTextAsync("!close 1000 bye");
        Assert.Equal(1000, (await client.ReadFrameAsync()).CloseCode);
        Task<(TcpEnd End, long Bytes)> ended = client.DrainAsync();

        Advance(4);
        bool endedEarly = ended.IsCompleted;
        Advance(2);

        Assert.Equal(0, (await ended).Bytes);
        Assert.False(endedEarly);
        Assert.Single(_server!.Logs.Of("CloseTimedOut"));
    }

    private async Task<RawClient> ConnectAsync()
    {
        RawClient client = await _server!.ConnectAsync();
        await _waiting.WaitAsync().Within();
        return client;
    }

    // In the wheel's own steps: it takes a leap for a machine that was suspended.
    private void Advance(int seconds)
    {
        for (int tenth = 0; tenth < seconds * 10; tenth++)
        {
            _time.Advance(TimeSpan.FromSeconds(0.1));
        }
    }
}
