using Weir.Client.Events;
using Weir.Client.Sending;
using Weir.Client.Tests.Centrifugo;
using Weir.Client.Tests.Fakes;
using Weir.TestSupport;
using Xunit;

namespace Weir.Client.Tests.Reconnecting;

/// <summary>The process is stopped, and what the server sent meanwhile waits in its sockets: the link is alive.</summary>
public sealed class PausedProcessTests : CentrifugoFixture
{
    [Fact]
    public async Task Silence_OfAPausedProcess_IsNotTheServers()
    {
        await ConnectAsync();
        TaskCompletionSource stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Server.Connection.Stopped = stopped;
        Server.Connection.Say("{}");

        Time.Advance(TimeSpan.FromHours(8));
        Time.Pass(TimeSpan.FromMinutes(10)); // its threads have not come to read yet

        Assert.Equal(ClientState.Connected, Client.State);
        stopped.SetResult();
        await Server.HearPongAsync();
        Assert.Equal(ClientState.Connected, Client.State);
    }

    [Fact]
    public async Task Silence_AfterAPause_IsJudgedByTheTimeThatFollows()
    {
        await ConnectAsync();

        Time.Advance(TimeSpan.FromHours(8));
        Assert.Equal(ClientState.Connected, Client.State);
        Time.Pass(TimeSpan.FromSeconds(8));
        Assert.Equal(ClientState.Connected, Client.State);
        await Bounded.Eventually(() =>
        {
            Time.Advance(Second);
            return Client.State != ClientState.Connected;
        });

        Assert.Equal(EndKind.HeartbeatTimeout, (await Events.NextAsync<Disconnected>()).End.Kind);
    }

    [Fact]
    public async Task Answer_ThatWaitsInTheSocket_IsReadBeforeItIsLate()
    {
        await ConnectAsync();
        Task<DeliveryResult> publish = Client.PublishAsync("c", "1"u8.ToArray());
        (uint id, _) = await Server.HearAsync("publish");
        TaskCompletionSource stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Server.Connection.Stopped = stopped;

        Time.Advance(TimeSpan.FromMinutes(1));
        Server.Answer(id, "publish");
        stopped.SetResult();

        Assert.Equal(Delivery.Delivered, (await publish.Within()).Delivery);
    }

    [Fact]
    public async Task Subscribe_WithoutAnAnswerDuringAPause_KeepsTheConnection()
    {
        Client.Subscribe("c");
        await ConnectAsync("\"ping\":0");
        await Server.HearAsync("subscribe");

        Time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(ClientState.Connected, Client.State);
    }

    [Fact]
    public async Task Connecting_DuringAPause_IsNotGivenUpAtOnce()
    {
        Transport.Hangs = true;
        Client.Start();
        await Bounded.Eventually(() => Transport.Attempts == 1);

        Time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(ClientState.Connecting, Client.State);
        await Bounded.Eventually(() =>
        {
            Time.Advance(Second);
            return Client.State == ClientState.Waiting;
        });
    }
}
