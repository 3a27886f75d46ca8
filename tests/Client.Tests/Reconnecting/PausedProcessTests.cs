using Weir.Client.Events;
using Weir.Client.Sending;
using Weir.Client.Tests.Centrifugo;
using Weir.Testing;
using Xunit;

namespace Weir.Client.Tests.Reconnecting;

/// <summary>The process is stopped, and the server's data waits in its sockets meanwhile: the connection works.</summary>
public sealed class PausedProcessTests : CentrifugoFixture
{
    [Fact]
    public async Task Silence_OfAPausedProcess_IsNotTheServers()
    {
        await ConnectAsync();
        TaskCompletionSource stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Server.Connection.Stopped = stopped;
        Server.Connection.SendToClient("{}");

        Time.Advance(TimeSpan.FromHours(8));
        Time.Pass(TimeSpan.FromMinutes(10)); // its threads have not come to read yet

        Assert.Equal(ClientState.Connected, Client.State);
        stopped.SetResult();
        await Server.ReceivePongAsync();
        Assert.Equal(ClientState.Connected, Client.State);
    }

    [Fact]
    public async Task Silence_AfterAPause_IsMeasuredByTheTimeThatFollows()
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
        (uint id, _) = await Server.ReceiveAsync("publish");
        TaskCompletionSource stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Server.Connection.Stopped = stopped;

        Time.Advance(TimeSpan.FromMinutes(1));
        Server.Answer(id, "publish");
        stopped.SetResult();

        Assert.Equal(Delivery.Delivered, (await publish.Within()).Delivery);
    }

    // The timer is that of the oldest command; the other has had none of its time.
    [Fact]
    public async Task Command_SentShortlyBeforeAPause_HasItsTimeAfterIt()
    {
        await ConnectAsync("\"ping\":0");
        Task<DeliveryResult> first = Client.PublishAsync("c", "1"u8.ToArray());
        await Server.ReceiveAsync("publish");
        Time.Pass(Options.RequestTimeout * 0.7);
        Task<DeliveryResult> second = Client.PublishAsync("c", "2"u8.ToArray());
        (uint id, _) = await Server.ReceiveAsync("publish");

        Time.Advance(TimeSpan.FromMinutes(10));
        await Bounded.Eventually(() =>
        {
            Time.Advance(Options.RequestTimeout / 96);
            return first.IsCompleted;
        });
        Assert.Equal(Delivery.Unknown, (await first).Delivery);
        Time.Pass(Options.RequestTimeout / 4);
        Server.Answer(id, "publish");

        Assert.Equal(Delivery.Delivered, (await second.Within()).Delivery);
    }

    [Fact]
    public async Task Subscribe_WithoutAnAnswerDuringAPause_KeepsTheConnection()
    {
        Client.Subscribe("c");
        await ConnectAsync("\"ping\":0");
        await Server.ReceiveAsync("subscribe");

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
