using Microsoft.Extensions.Time.Testing;
using Weir.Client.Events;
using Weir.Client.Tests.Fakes;
using Weir.TestSupport;
using Xunit;

namespace Weir.Client.Tests.Reconnecting;

/// <summary>What is final for a client that was never connected, and temporary for one that was.</summary>
public sealed class AfterAConnectionTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly FakeTransport _transport;
    private readonly RelayClient _client;
    private readonly Listening<ClientEvent> _events;

    public AfterAConnectionTests()
    {
        _transport = new FakeTransport { Time = _time };
        _client = new RelayClient(new Uri("ws://host/ws"), "room", new RelayClientOptions { Transport = _transport, TimeProvider = _time, NextRandom = static () => 0 });
        _events = new Listening<ClientEvent>(_client.ReadAllAsync());
    }

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    [Theory]
    [InlineData(400)]
    [InlineData(403)]
    [InlineData(404)]
    public async Task Refused4xx_BeforeAnyConnection_Stops(int status)
    {
        _transport.Failure = new ConnectionEnd(EndKind.Refused) { HttpStatus = status };
        _client.Start();

        Assert.Equal(status, (await _events.NextAsync<Closed>()).End.HttpStatus);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(403)]
    [InlineData(404)]
    public async Task Refused4xx_ByAProxyDuringARollout_IsTriedAgain_LaterEachTime(int status)
    {
        _client.Start();
        FakeConnection first = await _transport.AcceptAsync();
        await _events.NextAsync<Connected>();
        _transport.Failure = new ConnectionEnd(EndKind.Refused) { HttpStatus = status };
        first.Close(1001);
        TimeSpan delay = (await _events.NextAsync<Disconnected>()).RetryIn;
        for (int n = 1; n < 20; n++)
        {
            _time.Advance(delay);
            Disconnected refused = await _events.NextAsync<Disconnected>();
            Assert.Equal((status, TimeSpan.FromSeconds(Math.Min(1 << n, 30))), (refused.End.HttpStatus, refused.RetryIn));
            delay = refused.RetryIn;
        }

        _transport.Failure = null;
        _time.Advance(delay);
        await _events.NextAsync<Connected>();
    }

    [Fact]
    public async Task Refused401_AfterAConnection_WithoutACallback_Stops()
    {
        _client.Start();
        FakeConnection first = await _transport.AcceptAsync();
        await _events.NextAsync<Connected>();
        _transport.Failure = new ConnectionEnd(EndKind.Refused) { HttpStatus = 401 };
        first.Close(1001);
        _time.Advance((await _events.NextAsync<Disconnected>()).RetryIn);

        Assert.Equal(401, (await _events.NextAsync<Closed>()).End.HttpStatus);
    }
}
