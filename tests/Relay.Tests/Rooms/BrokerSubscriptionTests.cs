using Weir.Relay.Rooms;
using Weir.Testing;
using Xunit;

namespace Weir.Relay.Tests.Rooms;

public sealed class BrokerSubscriptionTests
{
    [Fact]
    public async Task Acquire_OfMany_SubscribesOnceAndAllAreReadyWithTheAnswer()
    {
        CommandedOwner owner = new();
        BrokerSubscription link = new(owner);
        Task[] ready = [.. Enumerable.Range(0, 10).Select(_ => Acquire(link))];

        Assert.Equal(["subscribing", "subscribe"], owner.Calls);
        Assert.DoesNotContain(ready, static task => task.IsCompleted);
        owner.Answer();

        await Task.WhenAll(ready).Within();
        Assert.True(Acquire(link).IsCompletedSuccessfully);
        Assert.Equal(["subscribing", "subscribe"], owner.Calls);
        Assert.Equal(11, link.References);
    }

    [Fact]
    public async Task LastRelease_UnsubscribesAndTheLinkIsGone()
    {
        CommandedOwner owner = new();
        BrokerSubscription link = new(owner);
        Task ready = Acquire(link);
        Acquire(link).GetAwaiter(); // the second of two
        owner.Answer();
        await ready.Within();

        link.Release();
        Assert.DoesNotContain("unsubscribe", owner.Calls);
        link.Release();
        Assert.Equal("unsubscribe", owner.Calls[^1]);
        owner.Answer();

        await Bounded.Eventually(() => owner.Calls[^1] == "gone");
        Assert.False(link.TryAcquire(out _));
    }

    [Fact]
    public async Task JoinLeaveJoin_WithinTheRoundTripOfTheSubscribe_AsksNoMore()
    {
        CommandedOwner owner = new();
        BrokerSubscription link = new(owner);
        Task first = Acquire(link);
        link.Release();
        Task second = Acquire(link);

        owner.Answer();

        await first.Within();
        await second.Within();
        Assert.Equal(["subscribing", "subscribe"], owner.Calls);
    }

    [Fact]
    public async Task Leave_WithinTheRoundTripOfTheSubscribe_UnsubscribesAfterIt()
    {
        CommandedOwner owner = new();
        BrokerSubscription link = new(owner);
        Task ready = Acquire(link);
        link.Release();

        Assert.Equal(["subscribing", "subscribe"], owner.Calls); // not yet: it would overtake
        owner.Answer();
        await Bounded.Eventually(() => owner.Calls.Contains("unsubscribe"));
        owner.Answer();

        await ready.Within();
        await Bounded.Eventually(() => owner.Calls[^1] == "gone");
    }

    [Fact]
    public async Task LeaveJoin_WithinTheRoundTripOfTheUnsubscribe_SubscribesAgainAfterIt()
    {
        CommandedOwner owner = new();
        BrokerSubscription link = new(owner);
        Task ready = Acquire(link);
        owner.Answer();
        await ready.Within();
        link.Release();

        Task again = Acquire(link);
        link.Release();
        Task andAgain = Acquire(link);
        Assert.Equal("unsubscribe", owner.Calls[^1]);
        Assert.False(again.IsCompleted);
        owner.Answer();
        await Bounded.Eventually(() => owner.Calls[^1] == "subscribe");
        owner.Answer();

        await andAgain.Within();
        Assert.Equal(["subscribing", "subscribe", "unsubscribe", "subscribing", "subscribe"], owner.Calls);
        Assert.Equal(1, link.References);
    }

    [Fact]
    public async Task BrokerNotAsked_IsReadyAndMayBeTriedAgain()
    {
        CommandedOwner owner = new();
        BrokerSubscription link = new(owner);
        Task ready = Acquire(link);
        owner.Answer(isSure: false);
        await ready.Within();
        Assert.True(link.MustRetry);

        link.Retry();
        link.Retry(); // one at a time
        owner.Answer();

        await Bounded.Eventually(() => !link.MustRetry);
        Assert.Equal(["subscribing", "subscribe", "subscribe"], owner.Calls);
    }

    [Fact]
    public async Task LastRelease_DuringARetry_UnsubscribesAfterIt()
    {
        CommandedOwner owner = new();
        BrokerSubscription link = new(owner);
        Task ready = Acquire(link);
        owner.Answer(isSure: false);
        await ready.Within();
        link.Retry();

        link.Release();
        Assert.DoesNotContain("unsubscribe", owner.Calls);
        owner.Answer();
        await Bounded.Eventually(() => owner.Calls[^1] == "unsubscribe");
        owner.Answer();

        await Bounded.Eventually(() => owner.Calls[^1] == "gone");
    }

    [Fact]
    public async Task Storm_OfJoinsAndLeaves_NeverOverlapsCallsAndEndsInTheRightState()
    {
        for (int round = 0; round < 20; round++)
        {
            StormOwner owner = new();
            BrokerSubscription link = new(owner);
            await Task.WhenAll(Enumerable.Range(0, 8).Select(seed => Task.Run(async () =>
            {
                Random random = new(seed);
                for (int i = 0; i < 200; i++)
                {
                    if (!link.TryAcquire(out Task ready))
                    {
                        return;
                    }

                    if (random.Next(2) == 0)
                    {
                        await ready;
                    }

                    link.Release();
                }
            }))).Within();

            await Bounded.Eventually(() => owner.IsGone); // no holder is left: it ends after any result
            Assert.Equal(0, owner.Faults);
            Assert.False(owner.IsSubscribed);
        }
    }

    private static Task Acquire(BrokerSubscription link)
        => link.TryAcquire(out Task ready) ? ready : throw new InvalidOperationException("gone");

    /// <summary>Notes each call, and completes it on command.</summary>
    private sealed class CommandedOwner : IBrokerSubscriptionOwner
    {
        private readonly Lock _lock = new();
        private readonly List<string> _calls = [];
        private TaskCompletionSource<bool>? _open;

        public IReadOnlyList<string> Calls
        {
            get
            {
                lock (_lock)
                {
                    return [.. _calls];
                }
            }
        }

        public void Answer(bool isSure = true)
        {
            TaskCompletionSource<bool> open = Interlocked.Exchange(ref _open, null)
                ?? throw new InvalidOperationException("Nothing was asked.");
            open.SetResult(isSure);
        }

        public async ValueTask<bool> SubscribeAsync() => await Ask("subscribe");

        public async ValueTask UnsubscribeAsync() => await Ask("unsubscribe");

        public void OnSubscribing() => Note("subscribing");

        public void OnGone() => Note("gone");

        private Task<bool> Ask(string what)
        {
            TaskCompletionSource<bool> asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
            if (Interlocked.Exchange(ref _open, asked) is not null)
            {
                throw new InvalidOperationException("Two calls at once.");
            }

            Note(what);
            return asked.Task;
        }

        private void Note(string what)
        {
            lock (_lock)
            {
                _calls.Add(what);
            }
        }
    }

    /// <summary>A slow owner of a subscription, which counts overlapping calls and wrong ones.</summary>
    private sealed class StormOwner : IBrokerSubscriptionOwner
    {
        private int _inCall;
        private int _faults;

        public int Faults => Volatile.Read(ref _faults);

        public bool IsSubscribed { get; private set; }

        public bool IsGone { get; private set; }

        public async ValueTask<bool> SubscribeAsync()
        {
            await CallAsync(mustBeSubscribed: false);
            IsSubscribed = true;
            Leave();
            return true;
        }

        public async ValueTask UnsubscribeAsync()
        {
            await CallAsync(mustBeSubscribed: true);
            IsSubscribed = false;
            Leave();
        }

        public void OnSubscribing()
        {
        }

        public void OnGone() => IsGone = true;

        private async Task CallAsync(bool mustBeSubscribed)
        {
            if (Interlocked.Increment(ref _inCall) != 1 || IsSubscribed != mustBeSubscribed)
            {
                Interlocked.Increment(ref _faults);
            }

            await Task.Yield();
        }

        private void Leave() => Interlocked.Decrement(ref _inCall);
    }
}
