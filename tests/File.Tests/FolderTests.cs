using Weir.Brokers.File;
using Xunit;

namespace Weir.File.Tests;

/// <summary>Folders that cannot be used: the error names the option and the remedy.</summary>
public sealed class FolderTests
{
    [Fact]
    public async Task FolderInUse_IsRefused_AndFreeAfterwards()
    {
        await using Store store = new();
        FileBroker first = await store.OpenAsync();

        IOException error = await Assert.ThrowsAsync<IOException>(() => store.OpenAsync());
        await first.DisposeAsync();
        await store.OpenAsync();

        Assert.Contains("Weir:File:Path", error.Message, StringComparison.Ordinal);
        Assert.Contains("no other process", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PathOfAFile_IsRefused()
    {
        await using Store store = new();
        string path = Path.Combine(store.Folder, "file");
        await System.IO.File.WriteAllTextAsync(path, "");

        IOException error = await Assert.ThrowsAsync<IOException>(() => store.OpenAsync(options => options.Path = path));

        Assert.Contains("Weir:File:Path", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EmptyPath_IsRefused()
        => Assert.Contains(
            "Path must name a folder", Assert.Throws<ArgumentException>(() => new FileBroker(new FileBrokerOptions())).Message,
            StringComparison.Ordinal);

    // What a crash at the first start leaves: no snapshot that counts.
    [Fact]
    public async Task FolderOfAnIncompleteStart_IsEmpty()
    {
        await using Store store = new();
        await System.IO.File.WriteAllTextAsync(Path.Combine(store.Folder, "snapshot-0000000001.tmp"), "part");
        await System.IO.File.WriteAllTextAsync(Path.Combine(store.Folder, "log-0000000001"), "part");

        FileBroker broker = await store.OpenAsync();

        Assert.Equal(1, (await store.PublishAsync(broker, "a")).Offset);
        Assert.Equal(["lock", "log-0000000002", "snapshot-0000000002"], Directory.GetFiles(store.Folder).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Options_OutOfRange_AreRefused()
    {
        FileBrokerOptions options = new();

        Assert.Throws<ArgumentOutOfRangeException>(() => options.SyncInterval = TimeSpan.FromMilliseconds(9));
        Assert.Throws<ArgumentOutOfRangeException>(() => options.SyncInterval = TimeSpan.FromHours(1.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => options.CompactAfterBytes = 4095);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.MaxHistoryBytes = -1);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.MaxRooms = -1);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.MaxPending = 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.UnusedRoomLifetime = TimeSpan.FromTicks(-1));
    }
}
