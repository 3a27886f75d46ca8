using System.Net;
using Microsoft.Extensions.Time.Testing;
using Weir.Core.Tests.Handshake;
using Weir.Limits;
using Xunit;

namespace Weir.Core.Tests.Limits;

public sealed class NodeGateTests
{
    private static readonly IPAddress _alice = IPAddress.Parse("192.0.2.1");
    private static readonly IPAddress _bob = IPAddress.Parse("192.0.2.2");

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Enter_NoLimits_AdmitsAll()
    {
        NodeGate gate = NewGate(new WeirNodeOptions());
        for (int i = 0; i < 1000; i++)
        {
            Assert.Null(gate.Enter(_alice));
        }

        Assert.Equal(1000, gate.Count);
    }

    [Fact]
    public void Enter_Full_Is503UntilAConnectionLeaves()
    {
        NodeGate gate = NewGate(new WeirNodeOptions { MaxConnections = 2 });
        Assert.Null(gate.Enter(_alice));
        Assert.Null(gate.Enter(_bob));

        Assert.Equal((503, "connections", "Retry-After: 10"), Refusal(gate, _bob));
        Assert.Equal(2, gate.Count);
        gate.Leave(_alice);
        Assert.Null(gate.Enter(_bob));
    }

    [Fact]
    public void Enter_AddressFull_Is429ForThatAddressOnly()
    {
        NodeGate gate = NewGate(new WeirNodeOptions { MaxConnectionsPerAddress = 1 });
        Assert.Null(gate.Enter(_alice));

        Assert.Equal((429, "connections_per_address", "Retry-After: 10"), Refusal(gate, _alice));
        Assert.Equal(429, Refusal(gate, IPAddress.Parse("::ffff:192.0.2.1")).Status);
        Assert.Null(gate.Enter(_bob));
        Assert.Null(gate.Enter(null)); // a Unix socket has no address to count
        Assert.Null(gate.Enter(null));
        gate.Leave(_alice);
        Assert.Null(gate.Enter(_alice));
        Assert.Equal(4, gate.Count);
    }

    [Fact]
    public void Enter_IPv6_CountsTheNetworkOf64Bits()
    {
        NodeGate gate = NewGate(new WeirNodeOptions { MaxConnectionsPerAddress = 1 });
        Assert.Null(gate.Enter(IPAddress.Parse("2001:db8:1:2:3::1")));

        Assert.Equal(429, Refusal(gate, IPAddress.Parse("2001:db8:1:2:ffff::2")).Status);
        Assert.Null(gate.Enter(IPAddress.Parse("2001:db8:1:3::1")));
    }

    [Fact]
    public void Enter_HandshakesTooFast_Is503UntilTokensAreThere()
    {
        NodeGate gate = NewGate(new WeirNodeOptions { HandshakesPerSecond = 10, HandshakeBurst = 3 });
        for (int i = 0; i < 3; i++)
        {
            Assert.Null(gate.Enter(_alice));
        }

        Assert.Equal((503, "handshake_rate", "Retry-After: 1"), Refusal(gate, _alice));
        _time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Null(gate.Enter(_alice));
        Assert.Equal(503, Refusal(gate, _alice).Status);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(3, Enumerable.Range(0, 10).Count(_ => gate.Enter(_alice) is null));
    }

    [Fact]
    public void Enter_Draining_Is503()
    {
        NodeGate gate = NewGate(new WeirNodeOptions());
        gate.Drain();

        Assert.Equal((503, "draining", "Retry-After: 1"), Refusal(gate, _alice));
        Assert.Equal(0, gate.Count);
    }

    [Fact]
    public async Task EnterAndLeave_ManyThreads_CountExactly()
    {
        NodeGate gate = NewGate(new WeirNodeOptions { MaxConnections = 10, MaxConnectionsPerAddress = 3 });
        int most = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Run(() =>
        {
            IPAddress address = new([192, 0, 2, (byte)(thread % 4)]);
            for (int i = 0; i < 20_000; i++)
            {
                if (gate.Enter(address) is null)
                {
                    int now = gate.Count;
                    int seen;
                    while (now > (seen = Volatile.Read(ref most)) && Interlocked.CompareExchange(ref most, now, seen) != seen)
                    {
                    }

                    gate.Leave(address);
                }
            }
        })));

        Assert.Equal(0, gate.Count);
        Assert.InRange(most, 1, 10 + 8); // a thread that is about to be refused counts for a moment
        Assert.Equal(3, Enumerable.Range(0, 9).Count(_ => gate.Enter(_alice) is null));
    }

    [Theory]
    [InlineData("10.0.0.1", null, "10.0.0.1")]
    [InlineData("10.0.0.1", "203.0.113.7", "203.0.113.7")]
    [InlineData("10.0.0.1", "198.51.100.9, 203.0.113.7", "203.0.113.7")]
    [InlineData("10.0.0.1", "198.51.100.9, 203.0.113.7, 10.0.0.2", "203.0.113.7")]
    [InlineData("10.0.0.1", "203.0.113.7:4711", "203.0.113.7")]
    [InlineData("10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7")]
    [InlineData("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3")]
    [InlineData("10.0.0.1", "nonsense", "10.0.0.1")]
    [InlineData("10.0.0.1", "nonsense, 10.0.0.2", "10.0.0.2")]
    [InlineData("::ffff:10.0.0.1", "203.0.113.7", "203.0.113.7")]
    [InlineData("192.0.2.1", "203.0.113.7", "192.0.2.1")]
    public void ClientAddress_BehindProxies_IsTheLastOneNotTrusted(string remote, string? forwarded, string expected)
    {
        string head = TestHead.Valid[..^2] + (forwarded is null ? "" : $"X-Forwarded-For: {forwarded}\r\n") + "\r\n";

        IPAddress? address = ClientAddress.Of(
            IPAddress.Parse(remote), TestHead.Request(head), new ProxyTrust([IPNetwork.Parse("10.0.0.0/8")], UnixSockets: false));

        Assert.Equal(IPAddress.Parse(expected), address);
    }

    [Fact]
    public void WaitAfter_TooManyHandshakes_GivesEachClientATurn_BelowTheRate()
    {
        NodeGate gate = NewGate(new WeirNodeOptions { HandshakesPerSecond = 5, HandshakeBurst = 1 });
        Assert.Null(gate.Enter(_alice));
        double[] turns = new double[100];
        for (int i = 0; i < turns.Length; i++)
        {
            turns[i] = gate.WaitAfter(gate.Enter(_bob)!).TotalSeconds;
        }

        Assert.Equal(1, turns[0], tolerance: 0.01);
        for (int i = 1; i < turns.Length; i++)
        {
            Assert.Equal(0.25, turns[i] - turns[i - 1], tolerance: 0.01);
        }

        // Each returns at its turn, and there is a place for it.
        double now = 0;
        foreach (double turn in turns)
        {
            _time.Advance(TimeSpan.FromSeconds(turn - now));
            now = turn;
            Assert.Null(gate.Enter(_bob));
        }

        _time.Advance(TimeSpan.FromMinutes(1));
        while (gate.Enter(_alice) is null)
        {
        }

        Assert.Equal(1, gate.WaitAfter(gate.Enter(_bob)!).TotalSeconds, tolerance: 0.01); // turns that have passed delay no client
    }

    [Fact]
    public void WaitAfter_MoreThanTheRateTakesInMinutes_IsSpreadAndBounded()
    {
        NodeGate gate = NewGate(new WeirNodeOptions { HandshakesPerSecond = 1, HandshakeBurst = 1 });
        Assert.Null(gate.Enter(_alice));
        List<TimeSpan> waits = [.. Enumerable.Range(0, 1000).Select(_ => gate.WaitAfter(gate.Enter(_bob)!))];

        Assert.All(waits, static wait => Assert.InRange(wait, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5)));
        Assert.True(waits.Distinct().Count() > 900);
    }

    [Fact]
    public void WaitAfter_AnotherRefusal_IsItsOwnTimeWithJitter()
    {
        NodeGate gate = NewGate(new WeirNodeOptions { MaxConnections = 1 });
        Assert.Null(gate.Enter(_alice));
        List<TimeSpan> waits = [.. Enumerable.Range(0, 100).Select(_ => gate.WaitAfter(gate.Enter(_bob)!))];

        Assert.All(waits, static wait => Assert.InRange(wait, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(15)));
        Assert.True(waits.Distinct().Count() > 50);
    }

    [Theory]
    [InlineData(true, "203.0.113.7", "203.0.113.7")]
    [InlineData(true, "203.0.113.7, 10.0.0.2", "203.0.113.7")]
    [InlineData(true, "nonsense", null)]
    [InlineData(true, null, null)]
    [InlineData(false, "203.0.113.7", null)]
    public void ClientAddress_OfAUnixSocketsPeer_IsTheForwardedOneWhereThatIsTrusted(bool trusted, string? forwarded, string? expected)
    {
        string head = TestHead.Valid[..^2] + (forwarded is null ? "" : $"X-Forwarded-For: {forwarded}\r\n") + "\r\n";

        IPAddress? address = ClientAddress.Of(address: null, TestHead.Request(head), new ProxyTrust([IPNetwork.Parse("10.0.0.0/8")], trusted));

        Assert.Equal(expected, address?.ToString());
    }

    private NodeGate NewGate(WeirNodeOptions options) => new(options.ToSettings().Gate, _time);

    private static (int Status, string Name, string? Extra) Refusal(NodeGate gate, IPAddress? address)
        => gate.Enter(address) is { } refusal ? (refusal.StatusCode, refusal.Name, refusal.ExtraHeader) : default;
}
