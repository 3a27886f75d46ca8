using Weir.Hosting;
using Weir.Protocol;
using Weir.Testing;
using Xunit;

namespace Weir.Protocols.Centrifugo.Tests.Sessions;

public sealed class PingTests
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(25);

    [Fact]
    public async Task Ping_IsAnEmptyReply_AndItsAnswerIsTaken()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        TestClient client = await world.ConnectAsync();

        for (int i = 0; i < 4; i++)
        {
            world.Wait(_interval);
            Assert.Equal("{}", await client.ReadFrameAsync());
            await client.SendAsync(i % 2 == 0 ? "{}" : " {} "); // by the quick way and by the other
        }

        Assert.Equal("""{"error":{"code":104,"message":"method not found"}}""", await client.AskAsync("fly", "{}"));
    }

    [Fact]
    public async Task Pong_WithoutAPing_IsABadRequest()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        TestClient client = await world.ConnectAsync();
        world.Wait(_interval);
        Assert.Equal("{}", await client.ReadFrameAsync());

        await client.SendAsync("{}");
        await client.SendAsync("{}");

        Assert.Equal("close 3501 bad request", await client.ReadFrameAsync());
    }

    [Fact]
    public async Task NoPong_IsClosed_SoThatTheClientReconnects()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        TestClient client = await world.ConnectAsync();

        world.Wait(_interval + TimeSpan.FromSeconds(8.3));

        string last;
        do
        {
            last = await client.ReadFrameAsync();
        }
        while (last == "{}");

        Assert.Equal("close 3012 no pong", last);
    }

    [Fact]
    public async Task MessageThatArrivesSlowly_IsLife()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        TestClient client = await world.ConnectAsync();
        const string ClientCommand = """{"id":2,"publish":{"channel":"a","data":"a text that takes a minute"}}""";

        for (int i = 0; i < ClientCommand.Length; i++)
        {
            bool isLast = i == ClientCommand.Length - 1;
            await client.SendFrameAsync(
                [.. i == 0 ? Frames.Text(ClientCommand[..1], fin: false) : Frames.Continuation([(byte)ClientCommand[i]], fin: isLast),
                    .. isLast ? [] : Frames.Ping()]);
            while (!isLast && (await client.Transport.ClientEnd.Input.ReadFrameAsync()).Opcode != 0xA)
            {
                // The server's own pings.
            }

            world.Wait(TimeSpan.FromSeconds(1));
        }

        string reply;
        do
        {
            reply = await client.ReadAsync();
        }
        while (reply == "{}");

        Assert.Equal("""{"id":2,"publish":{}}""", reply);
    }

    // A browser keeps the connection of a page in its back/forward cache for up to ten minutes: it takes what is sent, and answers
    // Pings of RFC 6455, but the page is frozen.
    [Fact]
    public async Task FrozenPage_WhoseBrowserReadsAndAnswersPings_IsClosed_AndLeavesPresence()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        TestClient page = await world.SubscribeAsync("present:a");
        TestClient other = await world.ConnectAsync();
        Assert.Contains(page.Id, await PresentAsync(), StringComparison.Ordinal);

        string last = "";
        for (int second = 0; second < 40 && !HasEnded(); second++)
        {
            world.Wait(TimeSpan.FromSeconds(1));
            await page.SendFrameAsync([.. Frames.Pong(), .. Frames.Ping()]);
            await other.SendAsync("""{"send":{"data":"is alive"}}""");
            await world.PublishAsync("present:a", $"{second}");
            await ReadUntilAsync(TestClient.Push("present:a", "pub", $$"""{"data":{{second}}}"""));
        }

        await ReadUntilAsync("the close frame, which on a busy machine comes after the last message"); // its time has passed by now
        Assert.Equal("close 3012 no pong", last);
        await page.SendFrameAsync(Frames.Close(3012));
        await page.Finished.Within();
        Assert.DoesNotContain(page.Id, await PresentAsync(), StringComparison.Ordinal);

        bool HasEnded() => last.StartsWith("close", StringComparison.Ordinal);

        async Task ReadUntilAsync(string text)
        {
            while (last != text && !HasEnded())
            {
                ServerFrame frame = await page.Transport.ClientEnd.Input.ReadFrameAsync();
                last = frame.IsClose ? $"close {frame.CloseCode} {frame.CloseReason}" : frame.Text;
            }
        }

        async Task<string> PresentAsync()
        {
            await other.SendAsync("""{"id":99,"presence":{"channel":"present:a"}}""");
            string reply;
            do
            {
                reply = await other.ReadAsync();
            }
            while (!reply.StartsWith("""{"id":99""", StringComparison.Ordinal));

            return reply;
        }
    }

    [Fact]
    public async Task Drain_ClosesWithShutdown()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync();
        TestClient client = await world.ConnectAsync();

        Task drain = Drain.RunAsync(world.Listener.Engine, TimeSpan.Zero, Drain.LastCloseTimeout, default);

        Assert.Equal("close 3001 shutdown", await client.ReadFrameAsync());
        await client.SendFrameAsync(Frames.Close(3001));
        await client.Finished.Within();
        world.Wait(TimeSpan.FromSeconds(1));
        await drain.Within();
    }

    [Fact]
    public async Task ClientThatReadsTooSlowly_IsClosedAsSlow_WithAnyPolicyOfTheRawRelay()
    {
        await using CentrifugoWorld world = await CentrifugoWorld.StartAsync(configure: static options =>
        {
            options.Pressure.CloseAtBytes = 10_000;
            options.Pressure.CloseCode = CloseCode.MessageTooBig;
        });
        await world.CloseAsTooSlowAsync();
    }
}
