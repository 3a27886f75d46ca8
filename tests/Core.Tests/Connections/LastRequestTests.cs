using Microsoft.AspNetCore.Connections.Features;
using Weir.Core.Tests.Handshake;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Connections;

/// <summary>A server that is about to close answers the request of a connection that it has accepted.</summary>
public sealed class LastRequestTests
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(3);

    // Not with a 503: a client that sends its request meanwhile would take it for the response, and an EventSource would stop permanently.
    [Theory]
    [InlineData("")]
    [InlineData("GET /ws HTTP/1.1\r\nHost: a\r\n")]
    public async Task CloseRequested_NoHeadInTime_EndsWithoutAResponse(string start)
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = server.Dial();
        await client.SendAsync(start);
        client.Transport.RequestClose();
        server.Time.Pass(_timeout * 0.9);
        server.Time.Advance(TimeSpan.FromHours(1)); // a pause of the process: the rest may have arrived
        Assert.False(client.Finished.IsCompleted);

        server.Time.Pass(_timeout * 0.5);

        Assert.Equal("", await client.ReadToEndAsync());
        await client.Finished.Within();
        Assert.Equal(0, server.NextCalls);
    }

    [Fact]
    public async Task CloseRequested_OfAnOlderConnectionWithoutARequest_EndsImmediately()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = server.Dial();
        server.Time.Pass(_timeout);

        client.Transport.RequestClose();

        Assert.Equal("", await client.ReadToEndAsync());
        await client.Finished.Within();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task CloseRequested_HeadComesInTime_IsAnswered(bool isAskedBefore)
    {
        await using WeirConnectionHarness server = new();
        server.Listener.Engine.Gate.Drain();
        WeirConnectionClient client = server.Dial();
        await client.SendAsync(TestHead.Valid[..30]);
        if (isAskedBefore)
        {
            await client.SendAsync(TestHead.Valid[30..^2]);
        }

        client.Transport.RequestClose();
        await client.SendAsync(isAskedBefore ? TestHead.Valid[^2..] : TestHead.Valid[30..]);

        Assert.StartsWith("HTTP/1.1 503 ", await client.ReadToEndAsync(), StringComparison.Ordinal);
        await client.Finished.Within(); // the clock stands still
    }

    // Kestrel ends a connection that is asked to close before its first read, with the request unread.
    [Fact]
    public async Task CloseRequested_WhenHttpIsAboutToRead_ReachesItLater()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = server.Dial();
        client.Transport.RequestClose();
        await client.SendAsync("GET /other HTTP/1.1\r\n");
        Assert.Equal(1, server.NextCalls);
        CancellationToken asked = CloseRequestedOf(client);
        Assert.False(asked.IsCancellationRequested);

        server.Time.Pass(_timeout);

        Assert.True(asked.IsCancellationRequested);
    }

    [Fact]
    public async Task CloseRequested_OfAnOlderHttpConnection_ReachesItAtOnce()
    {
        await using WeirConnectionHarness server = new();
        WeirConnectionClient client = server.Dial();
        await client.SendAsync("GET /other HTTP/1.1\r\n");
        server.Time.Pass(_timeout);
        Assert.False(CloseRequestedOf(client).IsCancellationRequested);

        client.Transport.RequestClose();

        Assert.True(CloseRequestedOf(client).IsCancellationRequested);
    }

    [Fact]
    public async Task CloseRequested_OfAnHttpConnectionThatIsOlderByAPause_ReachesItLater()
    {
        await using WeirConnectionHarness server = new();
        server.Dial(); // in its handshake: the wheel runs while there are timeouts
        WeirConnectionClient client = server.Dial();
        await client.SendAsync("GET /other HTTP/1.1\r\n");
        server.Time.Advance(TimeSpan.FromHours(1));

        client.Transport.RequestClose();

        Assert.False(CloseRequestedOf(client).IsCancellationRequested);
        server.Time.Pass(_timeout);
        Assert.True(CloseRequestedOf(client).IsCancellationRequested);
    }

    private static CancellationToken CloseRequestedOf(WeirConnectionClient client)
        => client.Transport.Features.Get<IConnectionLifetimeNotificationFeature>()!.ConnectionClosedRequested;
}
