using Weir.Connections;
using Weir.Handshake;
using Weir.Integration.Servers;
using Xunit;

namespace Weir.Integration.LoadTest;

/// <summary>The flood of bad tokens against a server that looks at them.</summary>
public sealed class TokenFloodTests
{
    [Fact]
    public async Task BadTokens_ServerThatChecks_RefusesThemBesideGoodOnes()
    {
        await using TestServer server =
            await TestServer.StartAsync(static listen => listen.UseWeir("/echo", new TokenHandler(), NoHeartbeat.Configure));

        (int exitCode, string output) = await LoadRun.RunAsync(
            $"bad-tokens --url ws://127.0.0.1:{server.Port} --token good --connections 5 --rate 50 --flood-rate 200 --for 1s --settle 0s");

        Assert.True(exitCode == 0, output);
        Assert.Contains("x HTTP/1.1 401", output, StringComparison.Ordinal);
        Assert.Matches("ok     0 of [1-9][0-9,]* bad ones were let in", output);
    }

    private sealed class TokenHandler : WeirHandler
    {
        public override ValueTask<UpgradeDecision> OnUpgradeAsync(UpgradeRequest request)
        {
            bool isGood = request.Headers.Any(static each => each is { Key: "Authorization", Value: "Bearer good" });
            return new ValueTask<UpgradeDecision>(isGood ? UpgradeDecision.Accept : UpgradeDecision.Refuse(401, "unauthorized"));
        }

        public override ValueTask OnMessageAsync(WeirConnection connection, WeirMessage message)
        {
            connection.Send(message.Payload, message.Kind);
            return default;
        }
    }
}
