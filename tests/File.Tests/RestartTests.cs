using Weir.Brokers.File;
using Weir.Brokers.Testing;
using Weir.Protocol;
using Weir.Relay.Brokers;
using Weir.Testing;
using Xunit;

namespace Weir.File.Tests;

/// <summary>What outlives the process, and what does not.</summary>
public sealed class RestartTests
{
    [Fact]
    public async Task Restart_KeepsHistoryAndOffsets_AndThePositionsOfClients()
    {
        await using Store store = new();
        await using FileBroker before = await store.OpenAsync();
        StreamPosition second = await store.PublishAllAsync(before, "a", "b");
        StreamPosition third = await store.PublishAsync(before, "c");
        await before.DisposeAsync();

        await using FileBroker after = await store.OpenAsync();
        RoomHistory history = await store.ReadAsync(after);
        StreamPosition fourth = await store.PublishAsync(after, "d");

        Assert.Equal(["a", "b", "c"], history.Publications.Select(static publication => publication.Text()));
        Assert.Equal([1, 2, 3], history.Publications.Select(static publication => publication.Offset));
        Assert.Equal(4, fourth.Offset);
        Assert.NotEqual(third.Epoch, fourth.Epoch);
        Assert.True(history.Holds(second));
        Assert.True(history.Holds(third));
        Assert.False(history.Holds(third with { Offset = 4 })); // of a generation that lost it
        Assert.False(history.Holds(new StreamPosition("another", 1)));
    }

    [Fact]
    public async Task Restart_KeepsEveryFieldOfAPublication()
    {
        await using Store store = new();
        await using FileBroker before = await store.OpenAsync();
        Publication published = new()
        {
            Data = new byte[] { 0, 255, 10 },
            Kind = MessageKind.Binary,
            Key = "EUR/USD",
            Info = "{}"u8.ToArray(),
            Node = "node",
            NodeSequence = long.MaxValue,
        };
        await before.PublishAsync(Store.Room, published, store.Rule, default).Within();
        await store.PublishAsync(before, "");
        await before.DisposeAsync();

        await using FileBroker after = await store.OpenAsync();
        IReadOnlyList<Publication> read = (await store.ReadAsync(after)).Publications;

        Assert.Equal(published.Data.ToArray(), read[0].Data.ToArray());
        Assert.Equal(published.Info.ToArray(), read[0].Info.ToArray());
        Assert.Equal(
            (published.Kind, 1L, published.Key, published.Node, published.NodeSequence),
            (read[0].Kind, read[0].Offset, read[0].Key, read[0].Node, read[0].NodeSequence));
        Assert.Equal((0, MessageKind.Text, 2L, null, null), (read[1].Data.Length, read[1].Kind, read[1].Offset, read[1].Key, read[1].Node));
    }

    [Fact]
    public async Task Restart_ManyTimes_KeepsTheEpochsOfTheLastSixteen()
    {
        await using Store store = new();
        List<StreamPosition> positions = [];
        for (int i = 0; i < 20; i++)
        {
            await using FileBroker broker = await store.OpenAsync();
            positions.Add(await store.PublishAsync(broker, "x"));
        }

        await using FileBroker last = await store.OpenAsync();
        RoomHistory history = await store.ReadAsync(last);

        Assert.Equal(16, history.Past.Count);
        Assert.Equal(Enumerable.Range(0, 20).Select(static i => i >= 4), positions.Select(history.Holds));
        Assert.Equal(Enumerable.Range(1, 20).Select(static i => (long)i), positions.Select(static position => position.Offset));
        Assert.Equal(20, positions.Select(static position => position.Epoch).Distinct().Count());
    }

    [Fact]
    public async Task Restart_KeepsSkippedOffsetsAndRemovedHistories()
    {
        await using Store store = new();
        await using FileBroker before = await store.OpenAsync();
        await store.PublishAllAsync(before, "a", "b");
        await before.RemoveHistoryAsync(Store.Room, default).Within();
        await store.PublishAsync(before, "c");
        StreamPosition skipped = await before.SkipAsync(Store.Room, store.Rule, default).Within();
        await before.DisposeAsync();

        await using FileBroker after = await store.OpenAsync();

        Assert.Equal(4, skipped.Offset);
        Assert.Equal(["c"], await store.TextsAsync(after));
        Assert.Equal(5, (await store.PublishAsync(after, "d")).Offset);
    }

    [Fact]
    public async Task Publish_AfterLoss_SkipsAnOffset_AlsoAfterARestart()
    {
        await using Store store = new();
        await using FileBroker before = await store.OpenAsync();
        await store.PublishAsync(before, "a");
        StreamPosition third = await before.PublishAsync(
            Store.Room, new Publication { Data = "c"u8.ToArray(), IsAfterLoss = true }, store.Rule, default).Within();
        await before.DisposeAsync();

        await using FileBroker after = await store.OpenAsync();

        Assert.Equal(3, third.Offset);
        Assert.Equal([1, 3], (await store.ReadAsync(after)).Publications.Select(static publication => publication.Offset));
    }

    [Fact]
    public async Task Restart_DoesNotBringExpiredPublicationsBack()
    {
        await using Store store = new();
        await using FileBroker before = await store.OpenAsync();
        await store.PublishAsync(before, "expires before the next is published");
        store.Time.Advance(store.Rule.HistoryTtl);
        await store.PublishAsync(before, "b");
        await store.PublishAsync(before, "expires while stopped", room: "other");
        await before.DisposeAsync();

        await using FileBroker first = await store.OpenAsync();
        IReadOnlyList<string> alive = await store.TextsAsync(first);
        await first.DisposeAsync();
        store.Time.Advance(store.Rule.HistoryTtl);
        await using FileBroker second = await store.OpenAsync();

        Assert.Equal(["b"], alive);
        Assert.Empty(await store.TextsAsync(second, "other"));
        Assert.Equal((0L, 2L), (second.HistoryBytes, (await store.ReadAsync(second)).Top.Offset));
    }

    [Fact]
    public async Task Reader_OfARoomWithoutPublications_KeepsItsPosition()
    {
        await using Store store = new();
        await using FileBroker before = await store.OpenAsync();
        StreamPosition position = (await store.ReadAsync(before)).Top;
        await before.DisposeAsync();

        await using FileBroker after = await store.OpenAsync();

        Assert.True((await store.ReadAsync(after)).Holds(position));
    }

    [Fact]
    public async Task RoomUnusedForLong_IsForgotten_AndGetsAnotherEpochWhenUsedAgain()
    {
        await using Store store = new();
        await using FileBroker before = await store.OpenAsync(static options => options.UnusedRoomLifetime = TimeSpan.FromHours(1));
        StreamPosition old = await store.PublishAsync(before, "a");
        store.Time.Advance(TimeSpan.FromHours(2));
        await Bounded.Eventually(() => before.RoomCount == 0);
        StreamPosition anew = await store.PublishAsync(before, "b");
        await before.DisposeAsync();

        await using FileBroker after = await store.OpenAsync();
        RoomHistory history = await store.ReadAsync(after);

        Assert.Equal(1, anew.Offset);
        Assert.Equal(["b"], history.Publications.Select(static publication => publication.Text()));
        Assert.True(history.Holds(anew));
        Assert.False(history.Holds(old));
    }

    [Fact]
    public async Task Log_IsReplacedBySnapshots_AndTheDiskIsBounded()
    {
        await using Store store = new() { Rule = new RoomRule { HistorySize = 10, HistoryTtl = TimeSpan.Zero } };
        await using FileBroker before = await store.OpenAsync(static options => options.CompactAfterBytes = 8 << 10);
        for (int i = 0; i < 30; i++)
        {
            await store.PublishAllAsync(before, Enumerable.Repeat(new string('x', 100), 100)); // 13 KiB
            await Bounded.Eventually(() => Directory.GetFiles(store.Folder).Sum(SizeOf) < 20 << 10);
        }

        await before.DisposeAsync();
        await using FileBroker after = await store.OpenAsync();

        Assert.Equal(Enumerable.Range(2991, 10).Select(static i => (long)i),
            (await store.ReadAsync(after)).Publications.Select(static publication => publication.Offset));
        Assert.Single(store.Files("snapshot"));
        Assert.Single(store.Files("log"));
    }

    [Fact]
    public async Task Files_AreReadableForTheirOwnerOnly()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Permissions of Unix");
        await using Store store = new();
        string folder = Path.Combine(store.Folder, "new");
        await using FileBroker broker = await store.OpenAsync(options => options.Path = folder);

        string[] files = Directory.GetFiles(folder, "*-*");
        Assert.Equal(2, files.Length);
        Assert.All(files, static file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, ModeOf(file)));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, ModeOf(folder));
    }

    private static UnixFileMode ModeOf(string path)
        => OperatingSystem.IsWindows() ? throw new PlatformNotSupportedException() : System.IO.File.GetUnixFileMode(path);

    // A file may be deleted between the listing and this.
    private static long SizeOf(string file) => new FileInfo(file) is { Exists: true } info ? info.Length : 0;
}
