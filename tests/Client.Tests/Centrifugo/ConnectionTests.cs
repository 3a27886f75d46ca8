using System.Text;
using System.Text.Json;
using Weir.Client.Events;
using Weir.Client.Sending;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Client.Tests.Centrifugo;

public sealed class ConnectionTests : CentrifugoFixture
{
    [Fact]
    public async Task Connect_SendsNameTokenAndData_AndNoSubprotocol()
    {
        Options.GetToken = static _ => ValueTask.FromResult<string?>("t1");
        Options.ConnectData = "{\n\"a\": 1}"u8.ToArray();
        Client.Start();

        JsonElement connect = await Server.AcceptAsync();

        Assert.Equal("""{"token":"t1","data":{ "a": 1},"name":"weir-dotnet"}""", connect.GetRawText());
        Assert.Null(Transport.LastRequest!.Subprotocol);
        Assert.Null(Transport.LastRequest.Token);
    }

    [Fact]
    public async Task Ping_IsAnswered_IfTheServerRequestsIt()
    {
        await ConnectAsync();

        Server.Connection.SendToClient("{}");

        await Server.ReceivePongAsync();
    }

    [Fact]
    public async Task Ping_IsNotAnswered_IfTheServerDoesNotRequestIt()
    {
        await ConnectAsync("\"ping\":25");

        Server.Connection.SendToClient("{}");
        Task<DeliveryResult> publish = Client.PublishAsync("c", "1"u8.ToArray());

        (uint id, _) = await Server.ReceiveAsync("publish"); // and no pong before it
        Server.Answer(id, "publish");
        Assert.Equal(Delivery.Delivered, (await publish.Within()).Delivery);
    }

    [Fact]
    public async Task NoPing_ForItsIntervalAndTenSeconds_IsADeadLink()
    {
        await ConnectAsync();

        Time.Pass(TimeSpan.FromSeconds(34.9));
        Server.Connection.SendToClient("{}"); // counts anew from here
        await Server.ReceivePongAsync();
        Time.Pass(TimeSpan.FromSeconds(34.9));
        Assert.Equal(ClientState.Connected, Client.State);
        await Bounded.Eventually(() =>
        {
            Time.Advance(TimeSpan.FromMilliseconds(100)); // the pong is received a moment before the watch begins anew
            return Client.State != ClientState.Connected;
        });

        Disconnected lost = await Events.NextAsync<Disconnected>();
        Assert.Equal((EndKind.HeartbeatTimeout, Second), (lost.End.Kind, lost.RetryIn));
        await Server.Connection.Disposed.Within();
    }

    [Fact]
    public async Task ServerWithoutPings_IsNotGivenUp()
    {
        await ConnectAsync("\"ping\":0");

        Time.Advance(TimeSpan.FromHours(10));
        Server.Connection.SendToClient("""{"push":{"message":{"data":{"still":"here"}}}}""");

        Assert.Equal("""{"still":"here"}""", Encoding.UTF8.GetString((await Events.NextAsync<MessagePushed>()).Data.Span));
    }

    [Fact]
    public async Task Connect_WithoutAnswer_EndsAfterTheTimeout()
    {
        Client.Start();
        await Server.AcceptSilentlyAsync();

        await Bounded.Eventually(() =>
        {
            Time.Advance(Second); // the command is received a moment before its time runs
            return Client.State == ClientState.Waiting;
        });

        Assert.Equal(EndKind.TimedOut, (await Events.NextAsync<Disconnected>()).End.Kind);
    }

    [Theory]
    [InlineData(3000, true)]
    [InlineData(3001, true)]
    [InlineData(3008, true)]
    [InlineData(3499, true)]
    [InlineData(3500, false)]
    [InlineData(3999, false)]
    [InlineData(4000, true)]
    [InlineData(4499, true)]
    [InlineData(4500, false)]
    [InlineData(4999, false)]
    [InlineData(1000, true)]
    [InlineData(1001, true)]
    [InlineData(1009, false)]
    [InlineData(1012, true)]
    public async Task CloseCode_ReturnsOrStops(int code, bool returns)
    {
        await ConnectAsync();

        Server.Connection.Close(code, "because");

        ConnectionEnd end = returns ? (await Events.NextAsync<Disconnected>()).End : (await Events.NextAsync<Closed>()).End;
        Assert.Equal((code, "because"), (end.CloseCode, end.Reason));
    }

    [Theory]
    [InlineData(100, true, true)]
    [InlineData(101, false, false)]
    [InlineData(103, false, false)]
    [InlineData(109, false, false)] // without a callback there is no other token
    public async Task ConnectError_ReturnsOrStops(int code, bool temporary, bool returns)
    {
        Client.Start();
        (uint id, _) = await Server.AcceptSilentlyAsync();

        Server.Refuse(id, code, "no", temporary);

        ConnectionEnd end = returns ? (await Events.NextAsync<Disconnected>()).End : (await Events.NextAsync<Closed>()).End;
        Assert.Equal((EndKind.Rejected, code, "no"), (end.Kind, end.ErrorCode, end.Reason));
    }

    [Fact]
    public async Task TokenExpired_ReconnectsWithAnother()
    {
        int asked = 0;
        Options.GetToken = _ => ValueTask.FromResult<string?>($"t{++asked}");
        Client.Start();
        (uint id, _) = await Server.AcceptSilentlyAsync();
        Server.Refuse(id, 109, "token expired");
        await Events.NextAsync<Disconnected>();
        Time.Advance(Second);

        JsonElement second = await Server.AcceptAsync();

        Assert.Equal("t2", second.GetProperty("token").GetString());
    }

    [Fact]
    public async Task Token_IsRefreshedBeforeItExpires_AndUsedFromThenOn()
    {
        int asked = 0;
        Options.GetToken = _ => ValueTask.FromResult<string?>($"t{++asked}");
        await ConnectAsync("\"ping\":0,\"expires\":true,\"ttl\":100");

        Time.Advance(Second * 90);
        (uint id, JsonElement refresh) = await Server.ReceiveAsync("refresh");
        Assert.Equal("t2", refresh.GetProperty("token").GetString());
        Server.Answer(id, "refresh", """{"client":"c1","version":"test","expires":true,"ttl":20}""");
        // The next is due 18 s after the answer was read, which is a moment after it was sent.
        Task<(uint, JsonElement Body)> next = Server.ReceiveAsync("refresh");
        await Bounded.Eventually(() =>
        {
            Time.Advance(Second);
            return next.IsCompleted;
        });
        Assert.Equal("t3", (await next).Body.GetProperty("token").GetString());

        await Server.LoseConnectionAsync(Events, Time);
        Assert.Equal("t3", (await Server.AcceptAsync()).GetProperty("token").GetString());
    }

    [Fact]
    public async Task Refresh_ThatIsRefused_StopsWithTheReason()
    {
        Options.GetToken = static _ => ValueTask.FromResult<string?>("t");
        await ConnectAsync("\"ping\":0,\"expires\":true,\"ttl\":100");
        Time.Advance(Second * 90);
        (uint id, _) = await Server.ReceiveAsync("refresh");

        Server.Refuse(id, 103, "permission denied");

        Assert.Equal((EndKind.Rejected, 103), ((await Events.NextAsync<Closed>()).End is var end ? (end.Kind, end.ErrorCode) : default));
    }

    [Theory]
    [InlineData("no json")]
    [InlineData("[1]")]
    [InlineData("""{"id":"one"}""")]
    [InlineData("""{"push":{"channel":"c","pub":{"data":1,"offset":"x"}}}""")]
    public async Task WhatIsNotTheProtocol_EndsTheConnection(string frame)
    {
        await ConnectAsync();

        Server.Connection.SendToClient(frame);

        Assert.Equal(EndKind.ProtocolError, (await Events.NextAsync<Disconnected>()).End.Kind);
    }

    [Fact]
    public async Task Frame_WithSeveralReplies_IsReadInOrder()
    {
        await ConnectAsync();

        Server.Connection.SendToClient("""
            {"push":{"channel":"s","pub":{"data":{"n":1},"tags":{"k":"v"},"info":{"user":"u","client":"x","conn_info":{"a":1}},"new":[1]}}}
            {}
            {"push":{"channel":"s","pub":{"data":"2"}}}
            """);

        ClientPublication first = (await Events.NextAsync<ServerPublished>()).Publication;
        Assert.Equal(("""{"n":1}""", "v", "u", "x", """{"a":1}"""), (
            Encoding.UTF8.GetString(first.Data.Span), first.Tags["k"], first.Info!.User, first.Info.Client,
                Encoding.UTF8.GetString(first.Info.ConnectionInfo.Span)));
        Assert.Equal("\"2\"", Encoding.UTF8.GetString((await Events.NextAsync<ServerPublished>()).Publication.Data.Span));
        await Server.ReceivePongAsync();
    }

    [Fact]
    public async Task Dispose_EndsSubscriptionsAndCommands()
    {
        await ConnectAsync();
        Subscription subscription = Client.Subscribe("c");
        Listening<SubscriptionEvent> events = new(subscription.ReadAllAsync());
        await Server.ReceiveAsync("subscribe");
        Task<DeliveryResult> asked = Client.PublishAsync("c", "1"u8.ToArray());
        await Server.ReceiveAsync("publish");

        await Client.DisposeAsync().AsTask().Within();

        Assert.Equal(1000, await Server.Connection.ClientClosed.Within());
        Assert.Equal(Delivery.Unknown, (await asked.Within()).Delivery);
        Assert.Equal("closed by this client", (await events.NextAsync<Unsubscribed>()).Reason);
        await events.EndsAsync();
        await Events.NextAsync<Closed>();
        await Events.EndsAsync();
    }
}
