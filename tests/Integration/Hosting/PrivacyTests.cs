using Weir.Integration.Servers;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Hosting;

/// <summary>What must never be in a log, however much is logged.</summary>
public sealed class PrivacyTests
{
    private const string Query = "?room=secret-room-name&token=abc123";

    [Fact]
    public async Task Log_OfEverything_HasNoQueryTokenOrPayload()
    {
        await using HostProcess host = await HostProcess.StartAsync(
            ("Logging__LogLevel__Default", "Trace"),
            ("Logging__LogLevel__Microsoft.AspNetCore", "Trace"),
            ("Logging__LogLevel__Microsoft.Hosting.Lifetime", "Trace"));

        // Served and refused on the listener, served and refused in the HTTP pipeline, a page, an unknown path.
        using RawClient first = await host.OpenAsync("/ws" + Query, "Authorization: Bearer abc123\r\n");
        using RawClient second = await host.ConnectAsync();
        await second.SendHeadAsync($"GET /{Query} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        await HttpBody.ReadAsync(second, await second.ReadHeadAsync());
        await second.HandshakeAsync("/ws" + Query);
        await second.SettleAsync();
        foreach (string target in (string[])["/ws?token=abc123", "/unknown" + Query])
        {
            using RawClient refused = await host.ConnectAsync();
            await refused.SendHeadAsync(Heads.Upgrade(target));
            Assert.InRange((await refused.ReadHeadAsync()).Status, 400, 404);
        }

        using RawClient plain = await host.ConnectAsync();
        await plain.SendHeadAsync($"GET /ws{Query} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Assert.Equal(426, (await plain.ReadHeadAsync()).Status);
        await first.SendTextAsync("private words");
        Assert.Equal("private words", (await second.ReadFrameAsync()).Text);
        await second.SendRawAsync(Frames.Client(0x3, "private words"u8)); // a broken rule is logged too
        Assert.Equal(1002, (await second.ReadFrameAsync()).CloseCode);
        await second.SendCloseAsync(1002, "private words");
        await first.SendCloseAsync(1000, "private words");
        await first.ReadFrameAsync();
        host.Terminate();
        Assert.Equal(0, await host.ExitAsync());

        string all = host.Output + host.Errors;
        Assert.Contains("open on /ws", all, StringComparison.Ordinal);
        Assert.Contains("the client violated the protocol", all, StringComparison.Ordinal);
        foreach (string secret in (string[])["secret-room-name", "abc123", "private words"])
        {
            Assert.True(!all.Contains(secret, StringComparison.OrdinalIgnoreCase),
                string.Join('\n', all.Split('\n').Where(line => line.Contains(secret, StringComparison.OrdinalIgnoreCase))));
        }
    }
}
