using Weir.Integration.Relay;
using Weir.Integration.Servers;
using Weir.Testing;
using Weir.TestSupport;
using Weir.TestSupport.Processes;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Integration.Client;

/// <summary>
/// A .NET client whose process is stopped for longer than its heartbeat timeout: what the server sent meanwhile, Pings included, waits in
/// its socket, so the connection is alive, and each message is given once.
/// </summary>
[Collection(Alone.Name)]
public sealed class PausedClientTests(ITestOutputHelper output)
{
    // The clients' timeout is six seconds.
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(14);

    // Longer than the timeout again, in which a client that counted the pause would end the connection.
    private static readonly TimeSpan _after = TimeSpan.FromSeconds(8);

    [Theory]
    [InlineData("raw", "/ws?room={0}")]
    [InlineData("centrifugo", "/connection/websocket")]
    public async Task Client_PausedForLongerThanItsHeartbeatTimeout_KeepsTheConnection_AndGetsEachMessageOnce(string kind, string path)
    {
        // The server sends Pings each second, and keeps a client that answers none.
        await using HostProcess host = await HostProcess.StartAsync(
            ("Weir__Heartbeat__Interval", "1s"),
            ("Weir__Heartbeat__Timeout", "5m"),
            ("Weir__Api__Key", RelayHost.Key));
        using HttpClient http = RelayHost.NewClient(host);
        string room = RelayHost.NewRoom("plain");
        string address = $"ws://127.0.0.1:{host.Port}{string.Format(null, path, room)}";
        await using ChildProcess client = ChildProcess.Start(
            "dotnet", [Path.Combine(AppContext.BaseDirectory, "Weir.PausedClient.dll"), kind, address, room], Repository.Root, hasInput: true);
        int published = 0;
        try
        {
            await Bounded.Eventually(() => client.LineStartingWith(kind == "raw" ? "connected" : "subscribed") is not null, Bounded.StartLimit);
            await PublishForAsync(TimeSpan.FromSeconds(3));
            await Bounded.Eventually(() => MessagesOf(client).Length == published);

            Signals.Suspend(client.Id);
            await PublishForAsync(_pause);
            int before = MessagesOf(client).Length;
            Signals.Continue(client.Id);
            await PublishForAsync(_after);
            await Bounded.Eventually(() => MessagesOf(client).Length >= published);

            Assert.True(before < published, "The client was not paused.");
            Assert.Equal(Enumerable.Range(0, published).Select(static number => $"message {number}"), MessagesOf(client));
            await client.WriteLineAsync("\"back\"");
            await Bounded.Eventually(() => client.LineStartingWith("sent ") is not null);
            Assert.NotEqual("sent Failed", client.LineStartingWith("sent "));
            Assert.DoesNotContain(client.Lines, static line => line.StartsWith("lost", StringComparison.Ordinal));
            Assert.Equal((1, 0), (await host.MetricAsync("weir_connections_active"), await host.MetricAsync("weir_connections_closed_total")));
        }
        catch
        {
            output.WriteLine($"{client.Output}{Environment.NewLine}{host.Output}{host.Errors}");
            throw;
        }

        async Task PublishForAsync(TimeSpan time)
        {
            long start = TimeProvider.System.GetTimestamp();
            for (; TimeProvider.System.GetElapsedTime(start) < time; published++)
            {
                await RelayHost.CallAsync(http, "publish", $$"""{"channel":"{{room}}","data":{{published}}}""");
                await Waiting.PassAsync(TimeSpan.FromMilliseconds(50));
            }
        }
    }

    private static string[] MessagesOf(ChildProcess client)
        => [.. client.Lines.Where(static line => line.StartsWith("message ", StringComparison.Ordinal))];
}
