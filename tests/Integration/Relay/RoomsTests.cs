using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Weir.Host.Features.Monitoring;
using Weir.Integration.Servers;
using Weir.Relay;
using Weir.Relay.Brokers;
using Weir.Testing;
using Weir.TestSupport;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Relay;

/// <summary>The relay at <c>/ws</c> in rooms that are kept by a rule, and the Host's health and metrics of them.</summary>
public sealed class RoomsTests(RelayHost host) : IClassFixture<RelayHost>
{
    [Theory]
    [InlineData("kept")]
    [InlineData("present")]
    [InlineData("none")]
    public async Task Relay_IsVerbatimAndInOrder_WhateverTheRoomKeeps(string kind)
    {
        string room = RelayHost.NewRoom(kind);
        using RawClient sender = await host.Process.OpenAsync("/ws?room=" + room);
        using RawClient member = await host.Process.OpenAsync("/ws?room=" + room);
        byte[] bytes = [.. Enumerable.Range(0, 100_000).Select(static i => (byte)i)];

        await sender.SendFrameAsync(0x2, bytes);
        for (int i = 0; i < 500; i++)
        {
            await sender.SendTextAsync($"message {i}");
        }

        Assert.Equal(bytes, (await member.ReadFrameAsync()).Payload);
        for (int i = 0; i < 500; i++)
        {
            Assert.Equal($"message {i}", (await member.ReadFrameAsync()).Text);
        }

        await member.SendTextAsync("answer");
        Assert.Equal("answer", (await sender.ReadFrameAsync()).Text); // and none of its own
    }

    [Theory]
    [InlineData("none", "none")]
    [InlineData("kept", "none")]
    [InlineData("kept", "kept")]
    public async Task Message_ToSeveralRooms_IsSentOnceToAClientInSeveral(string first, string second)
    {
        string rooms = $"/ws?room={RelayHost.NewRoom(first)}&room={RelayHost.NewRoom(second)}";
        using RawClient sender = await host.Process.OpenAsync(rooms);
        using RawClient member = await host.Process.OpenAsync(rooms);
        string[] names = [.. rooms[4..].Split('&').Select(static pair => pair[5..])];

        for (int i = 0; i < 20; i++)
        {
            await sender.SendTextAsync($"{i}");
        }

        string channels = string.Join(',', names.Select(static name => $"\"{name}\""));
        string body = "{\"channels\":[" + channels + "],\"data\":\"broadcast\"}";
        List<string> received = [];
        while (received.Distinct().Count() < 20)
        {
            received.Add((await member.ReadFrameAsync()).Text);
        }

        await RelayHost.CallAsync(host.Http, "broadcast", body);
        await RelayHost.CallAsync(host.Http, "broadcast", body.Replace("broadcast", "last", StringComparison.Ordinal));
        while (received[^1] != "\"last\"")
        {
            received.Add((await member.ReadFrameAsync()).Text);
        }

        Assert.Equal([.. Enumerable.Range(0, 20).Select(static i => $"{i}"), "\"broadcast\"", "\"last\""], received);
    }

    [Fact]
    public async Task Ready_IsHealthyWithABrokerInMemory()
        => Assert.Equal("Healthy", await host.Http.GetStringAsync("/health/ready").Within());

    // All nodes miss the broker at once: a load balancer that removed them would have no node left.
    [Fact]
    public async Task Ready_WhileTheBrokerIsUnavailable_IsDegradedAndStill200()
    {
        ScriptedBroker broker = new();
        await using TestServer server = await TestServer.StartAsync(
            static _ => { },
            static app => app.MapHealthChecks("/health/ready"),
            services =>
            {
                services.AddWeir();
                services.AddSingleton<IBroker>(broker);
                services.AddWeirRelay();
                services.AddHealthChecks().AddCheck<ReadyCheck>("ready");
            });
        using HttpClient http = new() { BaseAddress = new Uri($"http://127.0.0.1:{server.Port}") };

        string before = await http.GetStringAsync("/health/ready").Within();
        broker.SetHealth(BrokerHealth.Degraded);
        using HttpResponseMessage away = await http.GetAsync("/health/ready").Within();
        broker.SetHealth(BrokerHealth.Up);

        Assert.Equal(("Healthy", "Degraded"), (before, await away.Content.ReadAsStringAsync()));
        Assert.Equal(200, (int)away.StatusCode);
        Assert.Equal("Healthy", await http.GetStringAsync("/health/ready").Within());
    }

    [Theory]
    [InlineData("Weir__Rooms__0__HistorySize", "10", "Weir:Rooms:0:Pattern is ''")]
    [InlineData("Weir__Rooms__0__Histroy", "10", "Weir:Rooms:0:Histroy is not a setting")]
    [InlineData("Weir__Rooms__first__Pattern", "*", "Weir:Rooms:first:Pattern is not a setting")]
    [InlineData("Weir__Broker__Kind", "Carrier", "Weir:Broker:Kind is 'Carrier'")]
    [InlineData("Weir__Broker__PositionCheckInterval", "1ms", "Weir:Broker:PositionCheckInterval is '1ms'")]
    public async Task WrongSettings_AreNamedAtTheStart(string name, string value, string complaint)
    {
        (int exitCode, _, string errors) = await HostProcess.RunAsync(["--urls", "http://127.0.0.1:0"], (name, value));

        Assert.Equal(1, exitCode);
        Assert.Contains(complaint, errors, StringComparison.Ordinal);
    }
}
