using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Weir.Connections;
using Weir.Handshake;
using Weir.Integration.Servers;
using Weir.Protocol;
using Xunit;

namespace Weir.Integration.Interop;

/// <summary>
/// A refusal by close code is meant for a page: Chromium shows a page 1006 if it offered subprotocols and the answer names none.
/// </summary>
public sealed class BrowserRefusalTests
{
    [Fact]
    public async Task RefusalByCloseCode_WithAndWithoutSubprotocols_IsSeenByAPageInChromium()
    {
        await using TestServer server = await TestServer.StartAsync(
            static listen => listen.UseWeir("/closed", new Refusing(), static options => options.Subprotocols = ["chat"]),
            static app => app.MapGet("/", static () => Results.Content("<title>refused</title>", "text/html")));

        JsonElement seen = await NodeScript.RunAsync("refusal.mjs", $"http://127.0.0.1:{server.Port}/");

        Assert.Equal(
            [("", "", 4401, "unauthorized"), ("chat", "chat", 4401, "unauthorized"), ("other,chat", "chat", 4401, "unauthorized")],
            seen.EnumerateArray().Select(static each => (
                each.GetProperty("offer").GetString(),
                each.GetProperty("protocol").GetString(),
                each.GetProperty("code").GetInt32(),
                each.GetProperty("reason").GetString())));
    }

    private sealed class Refusing : WeirHandler
    {
        public override ValueTask<UpgradeDecision> OnUpgradeAsync(UpgradeRequest request)
            => new(UpgradeDecision.CloseAtOnce((CloseCode)4401, "unauthorized"));

        public override ValueTask OnMessageAsync(WeirConnection connection, WeirMessage message) => default;
    }
}
