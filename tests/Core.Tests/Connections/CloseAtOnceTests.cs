using System.Text;
using Weir.Core.Tests.Handshake;
using Weir.Handshake;
using Weir.Protocol;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Connections;

/// <summary>What a handler decides about a handshake besides yes and no.</summary>
public sealed class CloseAtOnceTests
{
    private static readonly UpgradeDecision _refusal = UpgradeDecision.CloseAtOnce((CloseCode)4401, "unauthorized");

    [Fact]
    public async Task CloseAtOnce_IsAnUpgradeAndAClose_AndNothingOpens()
    {
        await using WeirConnectionHarness server = new();
        server.Handler.OnUpgrade = _ => new(_refusal);
        WeirConnectionClient client = await server.ConnectAsync();

        Assert.StartsWith("HTTP/1.1 101 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
        ServerFrame close = await client.ReadFrameAsync();
        Assert.Equal((4401, "unauthorized"), (close.CloseCode, close.CloseReason));
        Assert.Equal(0, server.Listener.Engine.Gate.Count);
        Assert.Equal(0, server.Listener.Engine.Connections.Count);
        await client.SendAsync(Frames.Close(4401));

        await client.Finished.Within();
        Assert.Empty(await client.ReadToEndAsync());
        Assert.Equal(["upgrade"], server.Handler.Calls);
        Assert.Equal(0, server.Listener.Wheel.Count);
        Assert.Equal(1, server.Metrics.Sum("weir.handshakes.refused"));
        Assert.Equal(0, server.Metrics.Sum("weir.connections.active"));
    }

    [Theory]
    [InlineData("chat", "chat")]
    [InlineData("other, chat", "chat")]
    [InlineData("other", null)]
    [InlineData(null, null)]
    public async Task CloseAtOnce_ClientNamedSubprotocols_NamesTheOneThatItWouldHaveChosen(string? offer, string? chosen)
    {
        await using WeirConnectionHarness server = new(static options => options.Subprotocols = ["chat", "talk"]);
        server.Handler.OnUpgrade = _ => new(_refusal);

        WeirConnectionClient client = await server.ConnectAsync(
            head: TestHead.With(offer is null ? null : "Sec-WebSocket-Protocol: " + offer));

        string head = await client.ReadHeadAsync();
        Assert.StartsWith("HTTP/1.1 101 ", head, StringComparison.Ordinal);
        Assert.Equal(chosen is not null, head.Contains($"\r\nSec-WebSocket-Protocol: {chosen}\r\n", StringComparison.Ordinal));
        Assert.Equal(chosen is not null, head.Contains("Sec-WebSocket-Protocol", StringComparison.Ordinal));
        Assert.Equal(4401, (await client.ReadFrameAsync()).CloseCode);
    }

    [Fact]
    public async Task CloseAtOnce_LeavesNoPlaceTaken_HoweverManyLinger()
    {
        await using WeirConnectionHarness server = new(node: new WeirNodeOptions { MaxConnections = 1, MaxConnectionsPerAddress = 1 });
        server.Handler.OnUpgrade = request => new(request.GetQueryValue("token") is null ? _refusal : UpgradeDecision.Accept);
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal(4401, (await (await ConnectAsync("/ws")).ReadFrameAsync()).CloseCode);
        }

        WeirConnectionClient welcome = await ConnectAsync("/ws?token=good");

        Assert.StartsWith("HTTP/1.1 101 ", await welcome.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Equal(1, server.Listener.Engine.Gate.Count);
        Assert.False(welcome.Finished.IsCompleted);

        Task<WeirConnectionClient> ConnectAsync(string target) => server.ConnectAsync(head: TestHead.With(target: target));
    }

    [Fact]
    public async Task CloseAtOnce_SilentClient_IsAbortedAfterASecond()
    {
        await using WeirConnectionHarness server = new();
        server.Handler.OnUpgrade = _ => new(_refusal);
        WeirConnectionClient client = await server.ConnectAsync();

        Assert.False(client.Finished.IsCompleted);
        server.Wait(TimeSpan.FromSeconds(1.2));

        await client.Finished.Within();
        Assert.NotEmpty(client.Transport.Aborts);
        Assert.Equal(0, server.Listener.Wheel.Count);
    }

    [Fact]
    public async Task CloseAtOnce_WhatTheClientSentMeanwhile_IsReadAndForgotten()
    {
        await using WeirConnectionHarness server = new();
        server.Handler.OnUpgrade = _ => new(_refusal);
        WeirConnectionClient client = server.Dial();

        await client.SendAsync([.. Encoding.Latin1.GetBytes(TestHead.Valid), .. Frames.Text("early"), .. Frames.Binary(new byte[10_000])]);
        await client.ReadHeadAsync();
        Assert.Equal(4401, (await client.ReadFrameAsync()).CloseCode);
        await client.SendAsync(Frames.Hex("FF FF FF FF FF FF"), Frames.Close(1000));
        client.EndOutput();

        await client.Finished.Within();
        Assert.Empty(client.Transport.Aborts);
        Assert.Equal(["upgrade"], server.Handler.Calls);
    }

    [Fact]
    public async Task AcceptWith_State_IsThereWhenTheConnectionOpens()
    {
        await using WeirConnectionHarness server = new();
        object found = new();
        object? seen = null;
        server.Handler.OnUpgrade = _ => new(UpgradeDecision.AcceptWith(found));
        server.Handler.OnOpened = connection =>
        {
            seen = connection.State;
            return default;
        };

        await server.ConnectAsync();

        Assert.Same(found, seen);
    }

    [Theory]
    [InlineData(1006)]
    [InlineData(5000)]
    public void CloseAtOnce_CodeThatMayNotBeSent_Throws(int code)
        => Assert.Throws<ArgumentOutOfRangeException>(() => UpgradeDecision.CloseAtOnce((CloseCode)code, ""));
}
