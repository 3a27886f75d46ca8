using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using StackExchange.Redis;
using Weir.Brokers.Redis.Links;
using Weir.Testing;
using Xunit;

namespace Weir.Redis.Tests.Links;

/// <summary>Requests, replies and the timeout for making a link, which counts only the time in which this process could run.</summary>
public sealed class SubscriberLinkTests : IDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(3);

    private readonly FakeTimeProvider _time = new();
    private readonly TcpListener _server = new(IPAddress.Loopback, 0);

    public SubscriberLinkTests() => _server.Start();

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task Server_ThatDoesNotAnswer_IsATimeout_AndNoCancellation()
    {
        Task<SubscriberLink> connecting = Connect();
        using TcpClient link = await _server.AcceptTcpClientAsync().Within();

        _time.Pass(_limit * 0.9);
        Assert.False(connecting.IsCompleted);
        _time.Pass(_limit * 0.2);

        await Assert.ThrowsAsync<TimeoutException>(() => connecting).Within();
    }

    [Fact]
    public async Task Answer_ThatArrivedDuringAPause_IsRead()
    {
        Task<SubscriberLink> connecting = Connect();
        using TcpClient server = await _server.AcceptTcpClientAsync().Within();
        // A reply before the request would be an error of the server.
        await server.GetStream().ReadExactlyAsync(new byte[1]).AsTask().Within();
        _time.Pass(_limit * 0.99);

        _time.Advance(TimeSpan.FromHours(1));
        Assert.False(connecting.IsCompleted);
        await server.GetStream().WriteAsync(Encoding.ASCII.GetBytes("%1\r\n+server\r\n+redis\r\n"));

        using SubscriberLink link = await connecting.Within();
        Assert.False(link.IsDown);
    }

    [Fact]
    public async Task Error_BeforeTheFirstRequest_IsTheReasonOfTheFailure()
    {
        Task<SubscriberLink> connecting = Connect();
        using TcpClient server = await _server.AcceptTcpClientAsync().Within();
        await server.GetStream().WriteAsync("-ERR max number of clients reached\r\n"u8.ToArray());

        LinkRefusedException refused = await Assert.ThrowsAsync<LinkRefusedException>(() => connecting).Within();
        Assert.Contains("max number of clients reached", refused.ToString());
    }

    [Fact]
    public async Task Reply_WithoutARequest_EndsTheLink()
    {
        Task<SubscriberLink> connecting = Connect();
        using TcpClient server = await _server.AcceptTcpClientAsync().Within();
        await server.GetStream().ReadExactlyAsync(new byte[1]).AsTask().Within();
        await server.GetStream().WriteAsync("+OK\r\n"u8.ToArray());
        using SubscriberLink link = await connecting.Within();

        await server.GetStream().WriteAsync("+OK\r\n"u8.ToArray());

        await Bounded.Eventually(() => link.IsDown);
    }

    private Task<SubscriberLink> Connect() => SubscriberLink.ConnectAsync(
        _server.LocalEndpoint, new LinkSettings(new ConfigurationOptions(), _limit), new Deaf(), _time, CancellationToken.None);

    private sealed class Deaf : ILinkOwner
    {
        public void OnBatchBegins()
        {
        }

        public void OnBatchEnded()
        {
        }

        public void OnMessage(SubscriberLink link, ReadOnlySpan<byte> channel, ReadOnlySpan<byte> payload)
        {
        }

        public void OnDropped(SubscriberLink link, string channel)
        {
        }

        public void OnDown(SubscriberLink link, Exception reason)
        {
        }
    }
}
