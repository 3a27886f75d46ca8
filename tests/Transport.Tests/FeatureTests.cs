using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Weir.Testing;
using Weir.Transports.Epoll.Tests.Sockets;
using Xunit;

namespace Weir.Transports.Epoll.Tests;

public sealed class FeatureTests : IAsyncDisposable
{
    private readonly TestServer _server = new();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Get_OwnFeatures_AreTheConnection()
    {
        IFeatureCollection features = (await _server.ConnectAsync()).Server.Features;

        Assert.NotNull(features.Get<IConnectionIdFeature>());
        Assert.NotNull(features.Get<IConnectionTransportFeature>());
        Assert.NotNull(features.Get<IConnectionItemsFeature>());
        Assert.NotNull(features.Get<IConnectionLifetimeFeature>());
        Assert.NotNull(features.Get<IConnectionEndPointFeature>());
        Assert.NotNull(features.Get<ILoopThreadFeature>());
        Assert.Same(_server.Transport.Memory, features.Get<IMemoryPoolFeature>()?.MemoryPool);
        Assert.Same(features.Get<IConnectionIdFeature>(), features[typeof(IConnectionIdFeature)]);
        Assert.Null(features.Get<ITlsHandshakeFeature>());
        Assert.Null(features[typeof(ITlsHandshakeFeature)]);
    }

    [Fact]
    public async Task HasUnreadInput_FromTheFirstByteUntilItIsRead()
    {
        Peer peer = await _server.ConnectAsync();
        Assert.False(peer.Server.HasUnreadInput);

        await peer.SendAsync("hello"u8.ToArray());
        await Bounded.Eventually(() => peer.Server.HasUnreadInput);
        await peer.TakeAsync(5);

        Assert.False(peer.Server.HasUnreadInput);
    }

    [Fact]
    public async Task HasUnreadInput_ClientHasGone_False()
    {
        Peer peer = await _server.ConnectAsync();
        peer.Client.Dispose();
        await Bounded.Eventually(() => peer.Server.InputHasEnded);

        Assert.False(peer.Server.HasUnreadInput);
    }

    [Fact]
    public async Task Set_OneObjectUnderSeveralTypes_IsFoundUnderEach()
    {
        IFeatureCollection features = (await _server.ConnectAsync()).Server.Features;
        Runner runner = new();
        features.Set<IConnectionHeartbeatFeature>(runner);
        features.Set<IConnectionCompleteFeature>(runner);

        Assert.Same(runner, features.Get<IConnectionHeartbeatFeature>());
        Assert.Same(runner, features[typeof(IConnectionCompleteFeature)]);
    }

    [Fact]
    public async Task Set_AnotherObject_ReplacesTheFirstUnderThatTypeOnly()
    {
        IFeatureCollection features = (await _server.ConnectAsync()).Server.Features;
        Runner first = new();
        Runner second = new();
        features.Set<IConnectionHeartbeatFeature>(first);
        features.Set<IConnectionCompleteFeature>(first);
        features.Set<IConnectionHeartbeatFeature>(second);

        Assert.Same(second, features.Get<IConnectionHeartbeatFeature>());
        Assert.Same(first, features.Get<IConnectionCompleteFeature>());
    }

    [Fact]
    public async Task Set_OwnFeatureReplaced_IsFoundInItsPlace()
    {
        Peer peer = await _server.ConnectAsync();
        IFeatureCollection features = peer.Server.Features;
        IConnectionIdFeature other = new OtherId();
        int revision = features.Revision;
        features.Set(other);

        Assert.Same(other, features.Get<IConnectionIdFeature>());
        Assert.NotEqual(revision, features.Revision);
    }

    [Fact]
    public async Task Transport_Replaced_IsTheOneFound()
    {
        Peer peer = await _server.ConnectAsync();
        DuplexPipe other = new(peer.Input, peer.Output);
        peer.Server.Transport = other;

        Assert.Same(other, peer.Server.Transport);
        Assert.Same(other, peer.Server.Features.Get<IConnectionTransportFeature>()?.Transport);
    }

    [Fact]
    public async Task Properties_Set_AreKept()
    {
        Peer peer = await _server.ConnectAsync();
        IPEndPoint endPoint = new(IPAddress.Parse("192.0.2.1"), 7);
        using CancellationTokenSource closed = new();
        peer.Server.Items["key"] = 5;
        peer.Server.RemoteEndPoint = endPoint;
        peer.Server.LocalEndPoint = null;
        peer.Server.ConnectionId = "mine";
        peer.Server.ConnectionClosed = closed.Token;

        Assert.Equal(5, peer.Server.Items["key"]);
        Assert.Same(endPoint, peer.Server.RemoteEndPoint);
        Assert.Null(peer.Server.LocalEndPoint);
        Assert.Equal("mine", peer.Server.ConnectionId);
        Assert.Equal(closed.Token, peer.Server.ConnectionClosed);
    }

    private sealed class Runner : IConnectionHeartbeatFeature, IConnectionCompleteFeature
    {
        public void OnHeartbeat(Action<object> action, object state) => throw new NotSupportedException();

        void IConnectionCompleteFeature.OnCompleted(Func<object, Task> callback, object state) => throw new NotSupportedException();
    }

    private sealed class OtherId : IConnectionIdFeature
    {
        public string ConnectionId { get; set; } = "other";
    }

    private sealed class DuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input { get; } = input;

        public PipeWriter Output { get; } = output;
    }
}
