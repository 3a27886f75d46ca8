using Weir.Brokers.File;
using Weir.Brokers.Testing;
using Weir.Relay.Brokers;
using Xunit;

namespace Weir.File.Tests;

/// <summary>Files after a loss of power: the end is missing, or is not what was written.</summary>
public sealed class DamageTests
{
    private static readonly string[] _texts = ["first", "second", "third", "fourth"];

    [Fact]
    public async Task Log_CutAnywhere_KeepsTheWholeRecordsBefore_AndLostPositionsShow()
    {
        await using Store store = new();
        StreamPosition[] positions = await WriteAsync(store);
        byte[] log = System.IO.File.ReadAllBytes(store.Files("log").Single());
        int withAll = 0;
        for (int length = 0; length <= log.Length; length++)
        {
            await using Store copy = new();
            CopyTo(copy, store, log.AsSpan(0, length));
            withAll += await HasPrefixAsync(copy, positions) == _texts.Length ? 1 : 0;
        }

        Assert.Equal(1, withAll);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0xFF)]
    public async Task Log_WithOtherBytesAtItsEnd_IsReadUpToThem(byte other)
    {
        await using Store store = new();
        StreamPosition[] positions = await WriteAsync(store);
        byte[] log = System.IO.File.ReadAllBytes(store.Files("log").Single());
        for (int length = 0; length <= log.Length; length++)
        {
            await using Store copy = new();
            CopyTo(copy, store, [.. log.AsSpan(0, length), .. Enumerable.Repeat(other, log.Length - length + 40)]);
            await HasPrefixAsync(copy, positions);
            Assert.Single(copy.Log.Of("FileDamaged"));
        }
    }

    [Fact]
    public async Task Log_WithAByteChanged_IsReadUpToItsRecord()
    {
        await using Store store = new();
        StreamPosition[] positions = await WriteAsync(store);
        byte[] log = System.IO.File.ReadAllBytes(store.Files("log").Single());
        for (int at = 0; at < log.Length; at++)
        {
            await using Store copy = new();
            byte[] changed = [.. log];
            changed[at] ^= 0x10;
            CopyTo(copy, store, changed);
            Assert.True(await HasPrefixAsync(copy, positions) < _texts.Length);
        }
    }

    [Fact]
    public async Task Log_OfAnotherPlace_IsNotRead()
    {
        await using Store store = new();
        await WriteAsync(store);
        byte[] log = System.IO.File.ReadAllBytes(store.Files("log").Single());
        await using Store copy = new();
        CopyTo(copy, store, log);
        System.IO.File.Move(copy.Files("log").Single(), Path.Combine(copy.Folder, "log-0000000009"));

        await using FileBroker broker = await copy.OpenAsync();

        Assert.Empty(await copy.TextsAsync(broker));
    }

    // The room's publications in a snapshot are all there or none is: a part would be a gap that no position shows.
    [Fact]
    public async Task Snapshot_CutAnywhere_GivesWholeRoomsOrNone()
    {
        await using Store store = new();
        StreamPosition[] positions = await WriteAsync(store);
        await using (FileBroker again = await store.OpenAsync())
        {
            await store.PublishAsync(again, "fifth");
        }

        byte[] snapshot = System.IO.File.ReadAllBytes(store.Files("snapshot").Single());
        int refused = 0;
        for (int length = 0; length < snapshot.Length; length++)
        {
            await using Store copy = new();
            CopyTo(copy, store, System.IO.File.ReadAllBytes(store.Files("log").Single()));
            System.IO.File.WriteAllBytes(copy.Files("snapshot").Single(), snapshot.AsSpan(0, length));
            try
            {
                await using FileBroker broker = await copy.OpenAsync();
                RoomHistory history = await copy.ReadAsync(broker);
                if (history.Publications.Count == 0)
                {
                    Assert.All(positions, position => Assert.False(history.Holds(position)));
                }
                else
                {
                    Assert.Equal([.. _texts, "fifth"], history.Publications.Select(static publication => publication.Text()));
                }

                Assert.Single(copy.Log.Of("FileDamaged"));
            }
            catch (IOException error)
            {
                Assert.Contains("move it away", error.Message, StringComparison.Ordinal);
                refused++;
            }
        }

        Assert.InRange(refused, 1, 100); // without its first record it is no snapshot
    }

    // Restoring an old copy of the folder loses publications too.
    [Fact]
    public async Task FolderRestoredFromACopy_ShowsPositionsFromAfterTheCopyAsLost()
    {
        await using Store store = new();
        await WriteAsync(store);
        await using Store copy = new();
        CopyTo(copy, store, System.IO.File.ReadAllBytes(store.Files("log").Single()));
        StreamPosition afterCopy;
        await using (FileBroker broker = await store.OpenAsync())
        {
            afterCopy = await store.PublishAsync(broker, "after the copy");
        }

        await using FileBroker restored = await copy.OpenAsync();
        StreamPosition other = await copy.PublishAsync(restored, "another fifth");

        Assert.Equal(afterCopy.Offset, other.Offset);
        Assert.NotEqual(afterCopy.Epoch, other.Epoch);
        Assert.False((await copy.ReadAsync(restored)).Holds(afterCopy));
    }

    private static async Task<StreamPosition[]> WriteAsync(Store store)
    {
        await using FileBroker broker = await store.OpenAsync(static options => options.Sync = FileSync.Always);
        List<StreamPosition> positions = [];
        foreach (string text in _texts)
        {
            positions.Add(await store.PublishAsync(broker, text));
        }

        return [.. positions];
    }

    private static void CopyTo(Store copy, Store store, ReadOnlySpan<byte> log)
    {
        string snapshot = store.Files("snapshot").Single();
        System.IO.File.Copy(snapshot, Path.Combine(copy.Folder, Path.GetFileName(snapshot)));
        System.IO.File.WriteAllBytes(Path.Combine(copy.Folder, Path.GetFileName(store.Files("log").Single())), log);
    }

    // Returns how many are there; and whatever is missing, no position is held that has it.
    private static async Task<int> HasPrefixAsync(Store store, StreamPosition[] positions)
    {
        await using FileBroker broker = await store.OpenAsync();
        RoomHistory history = await store.ReadAsync(broker);
        int count = history.Publications.Count;
        Assert.Equal(_texts.Take(count), history.Publications.Select(static publication => publication.Text()));
        Assert.Equal(Enumerable.Range(0, positions.Length).Select(i => i < count), positions.Select(history.Holds));
        Assert.Equal(count + 1, (await store.PublishAsync(broker, "next")).Offset);
        return count;
    }
}
