using Weir.Integration.Relay;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Auth;

/// <summary>The causes of closes that a token or an operator brings about, on the Host's own page of metrics.</summary>
public sealed class CloseCauseTests(AuthHost server) : IClassFixture<AuthHost>
{
    private readonly HostProcess _host = server.Process;

    [Theory]
    [InlineData("/ws?room=open:1&token=")]
    [InlineData("/echo?token=")]
    public async Task TokenExpired_TheTokensTimeHasPassed(string target)
    {
        double before = await CountAsync("token_expired");
        using RawClient client = await _host.OpenAsync(target + Tokens.Make($"\"sub\":\"u1\",\"channels\":[\"*\"],\"exp\":{Tokens.In(3)}"));

        Assert.Equal((4401, "token expired"), await CloseAsync(client));

        await BecomesAsync("token_expired", before + 1);
    }

    [Theory]
    [InlineData("/ws?room=news:1")]
    [InlineData("/ws?room=news:1&room=stage:1")]
    public async Task AccessDenied_TheClientPublishesWhereItMayNot(string target)
    {
        double before = await CountAsync("access_denied");
        using RawClient client = await _host.OpenAsync($"{target}&token={Tokens.Make("\"sub\":\"u1\",\"channels\":[\"*\"]")}");

        await client.SendTextAsync("x");

        Assert.Equal((4403, "forbidden"), await CloseAsync(client));
        await BecomesAsync("access_denied", before + 1);
    }

    [Fact]
    public async Task AccessRevoked_TheApiDisconnectsAUser()
    {
        double before = await CountAsync("access_revoked");
        using RawClient raw = await _host.OpenAsync($"/ws?room=open:1&token={Tokens.Make("\"sub\":\"revoked\",\"channels\":[\"*\"]")}");
        using RawClient client = await _host.ConnectAsync();
        await client.HandshakeAsync("/connection/websocket", "", $"127.0.0.1:{_host.Port}");
        await client.SendTextAsync($$"""{"id":1,"connect":{"token":"{{Tokens.Make("\"sub\":\"revoked\"")}}"} }""");
        await client.ReadFrameAsync();

        await RelayHost.CallAsync(server.Http, "disconnect", """{"user":"revoked"}""");

        Assert.Equal((3503, "force disconnect"), await CloseAsync(raw));
        Assert.Equal((3503, "force disconnect"), await CloseAsync(client));
        await BecomesAsync("access_revoked", before + 2);
    }

    private static async Task<(int Code, string Reason)> CloseAsync(RawClient client)
    {
        ServerFrame close = await client.ReadFrameAsync();
        await client.SendCloseAsync(close.CloseCode);
        return (close.CloseCode, close.CloseReason);
    }

    private async Task BecomesAsync(string cause, double count)
    {
        await _host.MetricBecomesAsync("weir_connections_closed_total", value => value == count, label: Label(cause));
        await _host.MetricBecomesAsync("weir_connection_duration_seconds_count", value => value == count, label: Label(cause));
    }

    private Task<double> CountAsync(string cause) => _host.MetricAsync("weir_connections_closed_total", Label(cause));

    private static string Label(string cause) => $"weir_close_cause=\"{cause}\"";
}
