using Weir.Client.Events;
using Weir.Client.Tests.Centrifugo;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Client.Tests;

/// <summary>Callbacks for tokens that fail in every way: each ends in an event, and none holds up the end of the client.</summary>
public sealed class TokenCallbackTests : CentrifugoFixture
{
    public static TheoryData<string> Failing { get; } =
        ["throws", "throws later", "is cancelled", "hangs", "blocks", "brings a line feed", "brings half a surrogate"];

    [Theory]
    [MemberData(nameof(Failing))]
    public async Task Centrifugo_ThatFails_IsTriedAgain(string how)
    {
        using ManualResetEventSlim blocked = new();
        int asked = 0;
        Options.GetToken = cancel => ++asked == 1 ? Fail(how, blocked, cancel) : ValueTask.FromResult<string?>("good");
        Client.Start();

        Disconnected failed = await FailedAsync(Events);

        Assert.Equal((EndKind.TokenFailed, true), (failed.End.Kind, failed.End.Reason.Length > 0));
        Time.Advance(failed.RetryIn);
        Assert.Equal("good", (await Server.AcceptAsync()).GetProperty("token").GetString());
        blocked.Set();
    }

    [Theory]
    [MemberData(nameof(Failing))]
    public async Task Raw_ThatFails_IsTriedAgain(string how)
    {
        using ManualResetEventSlim blocked = new();
        int asked = 0;
        RelayClientOptions options = new() { Transport = Transport, TimeProvider = Time, NextRandom = static () => 0 };
        options.GetToken = cancel => ++asked == 1 ? Fail(how, blocked, cancel) : ValueTask.FromResult<string?>("good");
        await using RelayClient client = new(new Uri("ws://host/ws"), "room", options);
        Listening<ClientEvent> events = new(client.ReadAllAsync());
        client.Start();

        Disconnected failed = await FailedAsync(events);

        Assert.Equal(EndKind.TokenFailed, failed.End.Kind);
        Time.Advance(failed.RetryIn);
        await Transport.AcceptAsync();
        Assert.Equal("good", Transport.LastRequest!.Token);
        blocked.Set();
    }

    [Theory]
    [MemberData(nameof(Failing))]
    public async Task OfASubscription_ThatFails_IsTriedAgain(string how)
    {
        using ManualResetEventSlim blocked = new();
        int asked = 0;
        SubscriptionOptions options =
            new() { GetToken = (_, cancel) => ++asked == 1 ? Fail(how, blocked, cancel) : ValueTask.FromResult<string?>("good") };
        Listening<SubscriptionEvent> events = new(Client.Subscribe("c", options).ReadAllAsync());
        await ConnectAsync("\"ping\":0");

        Task<SubscriptionEvent> next = events.NextAsync();
        await PassUntilAsync(next);
        Assert.StartsWith("the token could not be got", Assert.IsType<Interrupted>(await next).Reason, StringComparison.Ordinal);
        Task<(uint Id, System.Text.Json.JsonElement Body)> subscribe = Server.ReceiveAsync("subscribe");
        await PassUntilAsync(subscribe);
        Assert.Equal("good", (await subscribe).Body.GetProperty("token").GetString());
        blocked.Set();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public async Task WithoutAToken_IsTheEnd(string? none)
    {
        Options.GetToken = _ => ValueTask.FromResult(none);
        Client.Start();

        Assert.Equal(EndKind.NoToken, (await Events.NextAsync<Closed>()).End.Kind);
    }

    [Theory]
    [InlineData("hangs")]
    [InlineData("blocks")]
    public async Task ThatNeverEnds_DoesNotHoldUpDispose(string how)
    {
        using ManualResetEventSlim blocked = new();
        TaskCompletionSource asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Options.TokenTimeout = Timeout.InfiniteTimeSpan;
        Options.GetToken = cancel =>
        {
            asked.SetResult();
            return Fail(how, blocked, cancel);
        };
        Client.Start();
        await asked.Task.Within();

        await Client.DisposeAsync().AsTask().Within();

        Assert.Equal(EndKind.ClosedByClient, (await Client.Completion.Within()).Kind);
        blocked.Set();
    }

    [Fact]
    public async Task ThatDisposesItsClient_EndsIt()
    {
        Options.GetToken = async _ =>
        {
            await Client.DisposeAsync();
            return "late";
        };
        Client.Start();

        Assert.Equal(EndKind.ClosedByClient, (await Client.Completion.Within()).Kind);
    }

    // Without delays only the call itself is between one call and the next.
    [Fact]
    public async Task OfASubscription_ThatThrowsAtOnce_WithoutDelays_DoesNotOverflowTheStack()
    {
        Options.Reconnect.BaseDelay = Options.Reconnect.Jitter = TimeSpan.Zero;
        int asked = 0;
        SubscriptionOptions options = new()
        {
            GetToken = (_, _) => Interlocked.Increment(ref asked) < 3000
            ? throw new InvalidOperationException("down") : ValueTask.FromResult<string?>("good")
        };
        Client.Subscribe("c", options);
        await ConnectAsync("\"ping\":0");

        await Server.ReceiveAsync("subscribe");
    }

    private static ValueTask<string?> Fail(string how, ManualResetEventSlim blocked, CancellationToken cancel)
    {
        switch (how)
        {
            case "throws":
                throw new InvalidOperationException("down");
            case "throws later":
                return ThrowLaterAsync();
            case "is cancelled":
                throw new OperationCanceledException();
            case "hangs":
                return new ValueTask<string?>(new TaskCompletionSource<string?>().Task);
            case "blocks":
                blocked.Wait(TimeSpan.FromMinutes(1), CancellationToken.None);
                return ValueTask.FromResult<string?>("late");
            case "brings a line feed":
                return ValueTask.FromResult<string?>("to\nken");
            default:
                return ValueTask.FromResult<string?>("to\ud800ken");
        }
    }

    private static async ValueTask<string?> ThrowLaterAsync()
    {
        await Task.Yield();
        throw new InvalidOperationException("down");
    }

    private async Task<Disconnected> FailedAsync(Listening<ClientEvent> events)
    {
        Task<ClientEvent> next = events.NextAsync();
        await PassUntilAsync(next);
        return Assert.IsType<Disconnected>(await next);
    }

    private Task PassUntilAsync(Task task) => Bounded.Eventually(() =>
    {
        Time.Advance(Second);
        return task.IsCompleted;
    });
}
