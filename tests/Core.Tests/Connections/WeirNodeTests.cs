using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Weir.Handshake;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Connections;

public sealed class WeirNodeTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Of_WithAddWeir_IsTheService()
    {
        using ServiceProvider provider = Services(static options => options.MaxConnections = 1);

        Assert.Same(provider.GetRequiredService<WeirNode>(), WeirNode.Of(provider));
    }

    [Fact]
    public void Of_WithoutAddWeir_IsANodeWithoutLimits()
    {
        using ServiceProvider provider = new ServiceCollection().BuildServiceProvider();
        WeirNode node = WeirNode.Of(provider);

        Assert.Null(node.Admit(IPAddress.Loopback));
        Assert.Null(node.Admit(IPAddress.Loopback));
        Assert.Equal(0, node.Connections);
        Assert.Null(node.FindConnection("1"));
        Assert.Empty(node.FindConnections(static _ => true));
    }

    [Fact]
    public void Admit_AtTheLimit_IsRefusedUntilOneIsReleased()
    {
        using ServiceProvider provider = Services(static options => options.MaxConnections = 1);
        WeirNode node = WeirNode.Of(provider);

        Assert.Null(node.Admit(IPAddress.Loopback));
        HandshakeRefusal? refusal = node.Admit(IPAddress.Loopback);
        Assert.Equal(503, refusal!.StatusCode);
        Assert.InRange(node.GetRetryDelay(refusal), refusal.RetryAfter!.Value / 2, refusal.RetryAfter.Value * 1.5);
        node.Release(IPAddress.Loopback);

        Assert.Null(node.Admit(IPAddress.Loopback));
    }

    [Fact]
    public void GetClientAddress_OfATrustedProxy_IsTheForwardedOne()
    {
        using ServiceProvider provider = Services(static options => options.TrustedProxies = [IPNetwork.Parse("10.0.0.0/8")]);
        DefaultHttpContext http = new();
        http.Request.Headers["X-Forwarded-For"] = "192.0.2.1";

        http.Connection.RemoteIpAddress = IPAddress.Parse("10.1.2.3");
        Assert.Equal(IPAddress.Parse("192.0.2.1"), WeirNode.Of(provider).GetClientAddress(http));
        http.Connection.RemoteIpAddress = IPAddress.Parse("198.51.100.1");
        Assert.Equal(IPAddress.Parse("198.51.100.1"), WeirNode.Of(provider).GetClientAddress(http));
    }

    [Fact]
    public async Task DrainAsync_CallsParticipantsAfterAdmissionsHaveEnded_AndWaitsForThem()
    {
        using ServiceProvider provider = Services(static _ => { });
        WeirNode node = WeirNode.Of(provider);
        TaskCompletionSource ended = new();
        bool wasDraining = false;
        TimeSpan given = default;
        node.AddDrain((window, _) =>
        {
            wasDraining = node.IsDraining;
            given = window;
            return ended.Task;
        });

        Task drain = node.DrainAsync(TimeSpan.Zero, TestContext.Current.CancellationToken);

        Assert.True(wasDraining);
        Assert.Equal(TimeSpan.Zero, given);
        Assert.False(drain.IsCompleted);
        ended.SetResult();
        await drain.Within();
    }

    [Fact]
    public async Task SpreadAsync_OverAWindow_EndsItsShareInEachStep()
    {
        using ServiceProvider provider = Services(static _ => { });
        List<int> ended = [];

        Task spread = WeirNode.Of(provider).SpreadAsync(
            [.. Enumerable.Range(0, 1000)], ended.Add, TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);

        Assert.Equal(10, ended.Count);
        _time.Advance(TimeSpan.FromMilliseconds(100));
        await Bounded.Eventually(() => ended.Count == 100);
        for (int i = 0; i < 9; i++)
        {
            int due = (i + 2) * 100;
            _time.Advance(TimeSpan.FromMilliseconds(100));
            await Bounded.Eventually(() => ended.Count == due);
        }

        await spread.Within();
        Assert.Equal(Enumerable.Range(0, 1000), ended);
    }

    [Fact]
    public async Task SpreadAsync_Aborted_EndsTheRestImmediately()
    {
        using ServiceProvider provider = Services(static _ => { });
        using CancellationTokenSource abort = new();
        int ended = 0;

        Task spread = WeirNode.Of(provider).SpreadAsync(
            [.. Enumerable.Range(0, 1000)], _ => ended++, TimeSpan.FromHours(1), abort.Token);
        Assert.Equal(10, ended);
        await abort.CancelAsync();
        await spread.Within();

        Assert.Equal(1000, ended);
    }

    private ServiceProvider Services(Action<WeirNodeOptions> configure)
        => new ServiceCollection().AddSingleton<TimeProvider>(_time).AddWeir(configure).BuildServiceProvider();
}
