using Weir.Integration.Servers;
using Weir.Testing;
using Xunit;

namespace Weir.Integration.Wire;

/// <summary>
/// The causes of ends that clients bring about over TCP and TLS, on a listener and on a route. Other tests have those by tokens, brokers
/// and clocks.
/// </summary>
public sealed class CloseCauseTests
{
    private const int LimitBytes = 1_000;

    [Theory]
    [InlineData(false, "/listener")]
    [InlineData(true, "/listener")]
    [InlineData(false, "/route")]
    [InlineData(true, "/route")]
    public async Task EndsThatAClientBringsAbout_HaveTheirCauses(bool tls, string path)
    {
        await using TestServer server = await StartAsync();

        await EndAsync(server, "client_closed", tls, path, static client => client.SendCloseAsync(1000, "bye"));
        await EndAsync(server, "application_closed", tls, path, static async client =>
        {
            await client.SendTextAsync("!close 4000 done");
            Assert.Equal(4000, (await client.ReadFrameAsync()).CloseCode);
            await client.SendCloseAsync(4000);
        });
        await EndAsync(server, "application_aborted", tls, path, static client => client.SendTextAsync("!abort"));
        await EndAsync(server, "protocol_error", tls, path, static async client =>
        {
            await client.SendRawAsync(Frames.Hex("83 80 00 00 00 00")); // a reserved opcode
            await client.SendCloseAsync(1002);
        });
        await EndAsync(server, "message_too_big", tls, path, static async client =>
        {
            await client.SendTextAsync(new string('x', LimitBytes + 1));
            await client.SendCloseAsync(1009);
        });
        await EndAsync(server, "handler_failed", tls, path, static async client =>
        {
            await client.SendTextAsync("!throw");
            await client.SendCloseAsync(1011);
        });
        await EndAsync(server, "transport_ended", tls, path, static client =>
        {
            client.ShutdownSend();
            return Task.CompletedTask;
        });
        await EndAsync(server, "transport_reset", tls, path, static client =>
        {
            client.Reset();
            return Task.CompletedTask;
        });
        await EndAsync(server, "close_timeout", tls, path, static async client =>
        {
            await client.SendTextAsync("!close 4000 done");
            Assert.Equal(4000, (await client.ReadFrameAsync()).CloseCode);
            await client.DrainAsync(); // without an answer
        });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task RateLimited_TooManyMessages(bool tls)
    {
        await using TestServer server = await StartAsync(static options => options.Inbound.MessagesPerSecond = 1);

        await EndAsync(server, "rate_limited", tls, "/listener", static async client =>
        {
            for (int i = 0; i < 20; i++)
            {
                await client.SendTextAsync("x");
            }

            await client.SendCloseAsync(1008);
        });
    }

    [Theory]
    [InlineData("/listener")]
    [InlineData("/route")]
    public async Task Draining_TheApplicationStops(string path)
    {
        await using TestServer server = await StartAsync();
        using RawClient client = await server.OpenAsync(path);

        Task stopping = server.StopAsync();
        Assert.Equal(1001, (await client.ReadFrameAsync()).CloseCode);
        await client.SendCloseAsync(1001);

        await stopping.Within();
        await ShowsAsync(server, "draining");
    }

    private static Task<TestServer> StartAsync(Action<WeirOptions>? configure = null)
    {
        return TestServer.StartAsync(
            listen => listen.UseWeir("/listener", new ScriptedHandler(), Apply),
            app => app.MapWeir("/route", new ScriptedHandler(), Apply),
            static services => services.AddWeir());

        void Apply(WeirOptions options)
        {
            NoHeartbeat.Configure(options);
            options.MaxMessageBytes = LimitBytes;
            options.CloseTimeout = TimeSpan.FromSeconds(1);
            configure?.Invoke(options);
        }
    }

    private static async Task EndAsync(TestServer server, string cause, bool tls, string path, Func<RawClient, Task> end)
    {
        using RawClient client = await server.OpenAsync(path, tls);

        await end(client);

        await ShowsAsync(server, cause);
    }

    private static async Task ShowsAsync(TestServer server, string cause)
    {
        await Bounded.Eventually(
            () => server.Metrics.Sum("weir.connections.closed", ("weir.close.cause", cause)) == 1,
            what: $"an end by {cause}; the last: {(server.Logs.Of("ConnectionClosed") is [.., var last] ? last.Message : "none")}");
        Assert.Equal(1, server.Metrics.Count("weir.connection.duration", ("weir.close.cause", cause)));
        Assert.InRange(server.Metrics.Sum("weir.connection.duration", ("weir.close.cause", cause)), 0, 600);
        await Bounded.Eventually(() => server.Logs.Of("ConnectionClosed").Count(record => Equals(record.Values["Cause"], cause)) == 1);
    }
}
