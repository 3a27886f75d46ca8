using Weir.Brokers.File;
using Weir.Relay.Brokers;
using Weir.Testing;
using Xunit;

namespace Weir.File.Tests;

/// <summary>A disk that is full, that fails, and that is slow.</summary>
public sealed class DiskTests
{
    private static readonly RoomRule _durable = new() { HistorySize = 100, Durable = true };

    [Fact]
    public async Task FullDisk_AnnouncesWithoutOffset_AndRefusesWhatMustBeStored()
    {
        await using Store store = new();
        await using FileBroker broker = await store.OpenAsync();
        await broker.SubscribeAsync(Store.Room, default);
        await store.PublishAsync(broker, "a");

        store.Disk.IsFull = true;
        StreamPosition notStored = await store.PublishAsync(broker, "b");
        BrokerUnavailableException error = await Assert.ThrowsAsync<BrokerUnavailableException>(
            () => store.PublishAsync(broker, "c", _durable));
        BrokerHealth whileFull = broker.Health;
        IReadOnlyList<string> kept = await store.TextsAsync(broker);
        store.Disk.IsFull = false;
        StreamPosition stored = await store.PublishAsync(broker, "d");
        BrokerHealth afterOne = broker.Health;
        await PassProbesAsync(store, broker);

        Assert.Equal(new StreamPosition("", 0), notStored);
        Assert.False(error.IsUnknown);
        Assert.Equal(["a"], kept);
        Assert.Equal(2, stored.Offset);
        Assert.Equal(["a", "b", "d"], store.Sink.TextsOf(Store.Room));
        Assert.Equal([1, 0, 2], store.Sink.PublicationsOf(Store.Room).Select(static each => each.Publication.Offset));
        Assert.Equal((BrokerHealth.Refusing, BrokerHealth.Refusing), (whileFull, afterOne));
        Assert.Equal([BrokerHealth.Up, BrokerHealth.Refusing, BrokerHealth.Up], store.Sink.Health);
        Assert.Single(store.Log.Of("FileRefuses"));
        await broker.DisposeAsync();

        await using FileBroker after = await store.OpenAsync();
        Assert.Equal(["a", "d"], await store.TextsAsync(after));
        Assert.Empty(store.Log.Of("FileDamaged"));
    }

    [Fact]
    public async Task FullDisk_IsTriedAgainWithoutAPublish()
    {
        await using Store store = new();
        await using FileBroker broker = await store.OpenAsync();
        store.Disk.IsFull = true;
        await store.PublishAsync(broker, "a");
        store.Disk.IsFull = false;

        await PassProbesAsync(store, broker);
    }

    // Small messages still fit while large ones do not: health and log do not change with each of them.
    [Fact]
    public async Task AlmostFullDisk_IsOneOutage()
    {
        await using Store store = new();
        await using FileBroker broker = await store.OpenAsync();
        for (int i = 0; i < 10; i++)
        {
            store.Disk.IsFull = true;
            await store.PublishAsync(broker, "large");
            store.Disk.IsFull = false;
            await store.PublishAsync(broker, "small");
            store.Time.Advance(FileBroker.ProbeInterval / 2);
        }

        Assert.Equal([BrokerHealth.Up, BrokerHealth.Refusing], store.Sink.Health);
        await PassProbesAsync(store, broker);

        Assert.Single(store.Log.Of("FileRefuses"));
        Assert.Single(store.Log.Of("FileStores"));
    }

    // The room is new, so that its own record is not stored either.
    [Fact]
    public async Task FullDisk_AtTheFirstPublishOfARoom_LosesNothingLater()
    {
        await using Store store = new();
        await using FileBroker broker = await store.OpenAsync();
        store.Disk.IsFull = true;
        await store.PublishAsync(broker, "not stored");
        store.Disk.IsFull = false;
        StreamPosition first = await store.PublishAsync(broker, "stored");
        await broker.DisposeAsync();

        await using FileBroker after = await store.OpenAsync();

        Assert.Equal(1, first.Offset);
        Assert.Equal(["stored"], await store.TextsAsync(after));
    }

    [Fact]
    public async Task FullDisk_WhileItCompacts_ContinuesWithTheLog()
    {
        await using Store store = new() { Rule = new RoomRule { HistorySize = 10 } };
        await using FileBroker broker = await store.OpenAsync(static options => options.CompactAfterBytes = 4 << 10);
        await store.PublishAllAsync(broker, Enumerable.Repeat(new string('x', 500), 7));
        store.Disk.IsFull = true;
        await store.PublishAsync(broker, "not stored");
        store.Disk.IsFull = false;
        StreamPosition last = await store.PublishAllAsync(broker, Enumerable.Repeat(new string('y', 500), 40));
        await broker.DisposeAsync();

        await using FileBroker after = await store.OpenAsync();

        Assert.Equal(47, last.Offset);
        Assert.Equal(Enumerable.Range(38, 10).Select(static i => (long)i),
            (await store.ReadAsync(after)).Publications.Select(static publication => publication.Offset));
    }

    // Linux may drop what it could not write: only a new file can be trusted, and until it is there nothing is stored.
    [Fact]
    public async Task DiskThatFailsToSync_StoresNothingUntilASnapshotIsWritten()
    {
        await using Store store = new();
        await using FileBroker broker = await store.OpenAsync();
        await store.PublishAllAsync(broker, "a", "b");
        string log = store.Files("log").Single();

        store.Disk.FailsToSync = true;
        BrokerUnavailableException error = await Assert.ThrowsAsync<BrokerUnavailableException>(
            () => store.PublishAsync(broker, "c", _durable));
        StreamPosition notStored = await store.PublishAsync(broker, "d");
        store.Time.Advance(FileBroker.ProbeInterval); // a snapshot is tried, and a new log cannot be begun
        await store.PublishAsync(broker, "e");
        store.Disk.FailsToSync = false;
        await PassProbesAsync(store, broker);
        StreamPosition third = await store.PublishAsync(broker, "f", _durable);
        await broker.DisposeAsync();

        Assert.True(error.IsUnknown);
        Assert.Equal(0, notStored.Offset);
        Assert.Equal(3, third.Offset);
        Assert.NotEqual(log, store.Files("log").Single());
        await using FileBroker after = await store.OpenAsync();
        Assert.Equal(["a", "b", "f"], await store.TextsAsync(after));
    }

    [Fact]
    public async Task Always_CompletesAndAnnouncesAfterTheDisk_AndAllThatWaitsInOneStep()
    {
        await using Store store = new();
        await using FileBroker broker = await store.OpenAsync(static options => options.Sync = FileSync.Always);
        await broker.SubscribeAsync(Store.Room, default);
        int before = store.Disk.Syncs;
        store.Disk.Hold();

        Task<StreamPosition> first = store.PublishAsync(broker, "0");
        await Bounded.Eventually(() => store.Disk.Waiting == 1);
        Task<StreamPosition>[] others = [.. Enumerable.Range(1, 50).Select(i => store.PublishAsync(broker, $"{i}"))];
        (bool isCompleted, int announced, int read) = (first.IsCompleted, store.Sink.Count, (await store.TextsAsync(broker)).Count);
        store.Disk.Release();
        await first.Within();
        StreamPosition[] positions = await Task.WhenAll(others).Within();

        Assert.Equal((false, 0, 0), (isCompleted, announced, read));
        Assert.Equal(Enumerable.Range(2, 50).Select(static i => (long)i), positions.Select(static position => position.Offset));
        Assert.InRange(store.Disk.Syncs - before, 2, 3); // the read's own record may have come alone
        Assert.Equal(51, store.Sink.Count);
    }

    [Theory]
    [InlineData(FileSync.Interval)]
    [InlineData(FileSync.Never)]
    public async Task DurableRoom_WaitsForTheDisk_WhateverThePolicy(FileSync sync)
    {
        await using Store store = new();
        await using FileBroker broker = await store.OpenAsync(options => options.Sync = sync);
        int before = store.Disk.Syncs;
        await store.PublishAsync(broker, "not durable");
        int without = store.Disk.Syncs;
        store.Disk.Hold();

        Task<StreamPosition> durable = store.PublishAsync(broker, "durable", _durable);
        await Bounded.Eventually(() => store.Disk.Waiting == 1);
        bool isCompleted = durable.IsCompleted;
        store.Disk.Release();
        await durable.Within();

        Assert.Equal((before, false), (without, isCompleted));
    }

    [Fact]
    public async Task Interval_SynchronizesOnceInIt_IfThereIsSomething()
    {
        await using Store store = new();
        await using FileBroker broker = await store.OpenAsync();
        int before = store.Disk.Syncs;
        await store.PublishAllAsync(broker, "a", "b");

        store.Time.Advance(TimeSpan.FromSeconds(1));
        await Bounded.Eventually(() => store.Disk.Syncs == before + 1);
        await broker.SkipAsync("unknown", store.Rule, default).Within(); // the writer is past it
        store.Time.Advance(TimeSpan.FromSeconds(1));
        await broker.SkipAsync("unknown", store.Rule, default).Within();

        Assert.Equal(before + 1, store.Disk.Syncs);
    }

    [Fact]
    public async Task Queue_ThatIsFull_RefusesImmediately()
    {
        await using Store store = new();
        await using FileBroker broker = await store.OpenAsync(static options => (options.Sync, options.MaxPending) = (FileSync.Always, 2));
        store.Disk.Hold();
        Task<StreamPosition> writing = store.PublishAsync(broker, "a");
        await Bounded.Eventually(() => store.Disk.Waiting == 1);
        Task<StreamPosition>[] waiting = [store.PublishAsync(broker, "b"), store.PublishAsync(broker, "c")];

        BrokerUnavailableException error = await Assert.ThrowsAsync<BrokerUnavailableException>(() => store.PublishAsync(broker, "d"));
        store.Disk.Release();

        Assert.False(error.IsUnknown);
        Assert.Equal(3, (await Task.WhenAll(waiting).Within())[1].Offset);
        await writing.Within();
    }

    [Fact]
    public async Task HistoryBytes_BeyondTheBound_KeepNothingAndLoseNoOffset()
    {
        await using Store store = new();
        await using FileBroker broker = await store.OpenAsync(static options => options.MaxHistoryBytes = 25);
        StreamPosition third = await store.PublishAllAsync(broker, Enumerable.Repeat("1234567890", 3));

        Assert.Equal((3L, 0L), (third.Offset, broker.HistoryBytes));
        Assert.Empty(await store.TextsAsync(broker));
    }

    [Fact]
    public async Task Rooms_BeyondTheBound_AreRefused()
    {
        await using Store store = new();
        await using FileBroker broker = await store.OpenAsync(static options => options.MaxRooms = 1);
        await store.PublishAsync(broker, "a");

        await Assert.ThrowsAsync<BrokerUnavailableException>(() => store.PublishAsync(broker, "b", room: "another"));

        Assert.Equal(2, (await store.PublishAsync(broker, "c")).Offset);
    }

    [Fact]
    public async Task Requests_AfterTheEnd_FailWithoutEffect()
    {
        await using Store store = new();
        FileBroker broker = await store.OpenAsync();
        await broker.DisposeAsync();

        BrokerUnavailableException error = await Assert.ThrowsAsync<BrokerUnavailableException>(() => store.PublishAsync(broker, "a"));

        Assert.False(error.IsUnknown);
        Assert.Equal(BrokerHealth.Degraded, broker.Health);
    }

    private static Task PassProbesAsync(Store store, FileBroker broker) => Bounded.Eventually(() =>
    {
        store.Time.Advance(FileBroker.ProbeInterval);
        return broker.Health == BrokerHealth.Up;
    });
}
