using System.Globalization;

namespace Weir.Brokers.File.Storage;

/// <summary>
/// The folder of a store: <c>snapshot-N</c> has the state before <c>log-N</c>, and logs follow each other by number. A file that ends in
/// <c>.tmp</c> was not completed. While a process has the folder it holds a lock on <c>lock</c>, which ends with it.
/// </summary>
internal sealed class StoreFolder : IDisposable
{
    private const string Unfinished = ".tmp";

    private readonly FileStream _lock;

    /// <summary>Creates the folder if there is none, and locks it.</summary>
    /// <exception cref="IOException">It cannot be used, or another process has it; the message names the option.</exception>
    public StoreFolder(string path)
    {
        Path = System.IO.Path.GetFullPath(path);
        try
        {
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(Path);
            }
            else
            {
                Directory.CreateDirectory(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }

            _lock = new FileStream(In("lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            foreach (string file in Directory.EnumerateFiles(Path, "*" + Unfinished))
            {
                System.IO.File.Delete(file);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new IOException(
                $"{nameof(FileBrokerOptions.Path)} (of the Host: Weir:File:Path) is {Path}, which cannot be used: {error.Message} "
                + "It must be a folder that this process may write to and that no other process uses.",
                error);
        }
    }

    public string Path { get; }

    public string LogOf(long number) => In(Name("log", number));

    public string SnapshotOf(long number) => In(Name("snapshot", number));

    public string UnfinishedSnapshotOf(long number) => SnapshotOf(number) + Unfinished;

    /// <summary>The numbers of the logs, in ascending order.</summary>
    public IReadOnlyList<long> Logs() => Numbers("log");

    /// <summary>The numbers of the snapshots, in ascending order.</summary>
    public IReadOnlyList<long> Snapshots() => Numbers("snapshot");

    /// <summary>Makes a snapshot that is on the disk the one that counts, and deletes all before it.</summary>
    public void Publish(long number)
    {
        System.IO.File.Move(UnfinishedSnapshotOf(number), SnapshotOf(number), overwrite: true);
        Flush();
        foreach (string file in Directory.EnumerateFiles(Path))
        {
            if (NumberOf(file) < number || file.EndsWith(Unfinished, StringComparison.Ordinal))
            {
                System.IO.File.Delete(file);
            }
        }
    }

    /// <summary>Makes the names of the files durable.</summary>
    public void Flush() => DirectorySync.Flush(Path);

    /// <summary>Deletes a file; a failure costs only space, until the next snapshot.</summary>
    public static void TryDelete(string path)
    {
        try
        {
            System.IO.File.Delete(path);
        }
        catch (IOException)
        {
            // Deleted with those before the next snapshot.
        }
    }

    public void Dispose() => _lock.Dispose();

    private static string Name(string kind, long number) => string.Create(CultureInfo.InvariantCulture, $"{kind}-{number:D10}");

    private List<long> Numbers(string kind)
        => [.. Directory.EnumerateFiles(Path, kind + "-*").Select(NumberOf).Where(static number => number < long.MaxValue).Order()];

    // MaxValue: no file of a store.
    private static long NumberOf(string file)
        => System.IO.Path.GetFileName(file) is var name
            && (name.StartsWith("log-", StringComparison.Ordinal) || name.StartsWith("snapshot-", StringComparison.Ordinal))
            && long.TryParse(name.AsSpan(name.IndexOf('-') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out long number)
                ? number : long.MaxValue;

    private string In(string name) => System.IO.Path.Combine(Path, name);
}
