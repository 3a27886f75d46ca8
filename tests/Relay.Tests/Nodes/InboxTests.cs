using System.Collections.Concurrent;
using System.Globalization;
using Weir.Relay.Brokers;
using Weir.Relay.Rooms;
using Weir.Rooms;
using Weir.Testing;
using Weir.TestSupport;
using Xunit;

namespace Weir.Relay.Tests.Nodes;

/// <summary>What a room does when more comes than it can deliver.</summary>
public sealed class InboxTests
{
    [Fact]
    public async Task BeyondTheBound_WithHistory_NothingIsMissing()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker, new RoomRule { HistorySize = int.MaxValue });
        using HeldAudience audience = new();
        await world.Node.SubscribeAsync("a", audience, audience, null, CancellationToken.None).Within();
        const int Count = RoomEventLoop.MaxInbox + 1000;

        for (int i = 1; i <= Count; i++)
        {
            broker.Take("a", i.ToString(CultureInfo.InvariantCulture));
        }

        audience.Release();
        // Publications that were dropped at the end are found by the check.
        await PublishTests.MaintainUntilAsync(world, () => audience.Offsets.Count >= Count);

        Assert.Equal(Enumerable.Range(1, Count).Select(static i => (long)i), audience.Offsets);
        Assert.Single(world.Log.Of("InboxFull"));
        Assert.True(world.Metrics.Sum("weir.relay.announcements_dropped") > 0);
    }

    [Fact]
    public async Task PublishersOfThisNode_WaitForTheirMembers()
    {
        ScriptedBroker broker = new() { IsSingleNode = true };
        await using RelayWorld world = await RelayWorld.StartAsync(broker, new RoomRule { HistorySize = 10 });
        Member ann = await world.JoinAsync("a");
        using HeldAudience audience = new();
        await world.Node.SubscribeAsync("a", audience, audience, null, CancellationToken.None).Within();
        int sent = 0;
        Task last;
        do
        {
            last = ann.SendAsync($"{sent++}");
        }
        while (last.IsCompletedSuccessfully && sent < 10_000);

        Assert.InRange(sent, RoomEventLoop.CongestedAt, RoomEventLoop.CongestedAt + 200); // those the drain has taken out already
        audience.Release();

        await last.Within();
        await Bounded.Eventually(() => audience.Offsets.Count == sent);
    }

    [Fact]
    public async Task WhatArrivesTogether_IsDeliveredInOnePiece()
    {
        ScriptedBroker broker = new();
        await using RelayWorld world = await RelayWorld.StartAsync(broker, new RoomRule { HistorySize = 100 });
        using HeldAudience audience = new();
        await world.Node.SubscribeAsync("a", audience, audience, null, CancellationToken.None).Within();
        audience.Release();
        for (int round = 0; round < 20; round++)
        {
            await Bounded.Eventually(() => audience.Pauses > round); // what came before is over
            int before = audience.Pauses;

            broker.Sink.OnBatchBegins();
            for (int i = 0; i < 50; i++)
            {
                broker.Take("a", "x");
            }

            Assert.Equal(round * 50, audience.Offsets.Count);
            broker.Sink.OnBatchEnded();

            await Bounded.Eventually(() => audience.Offsets.Count == (round + 1) * 50 && audience.Pauses > before);
            Assert.Equal(before + 1, audience.Pauses);
        }
    }

    /// <summary>An audience that stops its room until it is released.</summary>
    private sealed class HeldAudience : IRoomAudienceFactory, IRoomAudience, IRoomListener, IDisposable
    {
        private readonly ManualResetEventSlim _released = new();
        private readonly ConcurrentQueue<long> _offsets = new();
        private int _pauses;

        public ConcurrentQueue<long> Offsets => _offsets;

        public int Pauses => Volatile.Read(ref _pauses);

        public IRoomAudience Create(LocalRoom room) => this;

        public void Release() => _released.Set();

        public void OnSubscribed(IRoomAudience audience, Recovery recovery)
        {
        }

        public void OnPublication(LocalRoom room, Publication publication, IRoomMember? except)
        {
            _released.Wait(Bounded.DefaultLimit);
            _offsets.Enqueue(publication.Offset);
        }

        public void OnPositionLost(LocalRoom room, StreamPosition now, PositionLoss reason) => _offsets.Enqueue(-1);

        public void OnPause(LocalRoom room) => Interlocked.Increment(ref _pauses);

        public void Dispose() => _released.Dispose();
    }
}
