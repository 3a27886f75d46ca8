using Weir.Brokers.File.Storage;

namespace Weir.File.Tests;

/// <summary>Real files, on a disk that can be full, report errors, or take its time.</summary>
internal sealed class FakeDisk
{
    private TaskCompletionSource? _gate;
    private int _waiting;
    private int _syncs;

    /// <summary>Whether it is full: an append writes a part and fails.</summary>
    public bool IsFull { get; set; }

    /// <summary>Whether it cannot confirm.</summary>
    public bool FailsToSync { get; set; }

    /// <summary>How often it was asked to confirm logs.</summary>
    public int Syncs => Volatile.Read(ref _syncs);

    /// <summary>How many confirmations wait.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Holds confirmations up until <see cref="Release"/>.</summary>
    public void Hold() => _gate = new TaskCompletionSource();

    public void Release() => Interlocked.Exchange(ref _gate, null)!.SetResult();

    public IAppendFile Create(string path) => new File(this, path);

    private sealed class File(FakeDisk disk, string path) : IAppendFile
    {
        private readonly AppendFile _file = new(path);

        public long Length { get; private set; }

        public void Append(ReadOnlySpan<byte> bytes)
        {
            if (disk.IsFull)
            {
                _file.Append(bytes[..(bytes.Length / 2)]);
                throw new IOException("No space left on device");
            }

            _file.Append(bytes);
            Length += bytes.Length;
        }

        public void CutTo(long length)
        {
            _file.CutTo(length);
            Length = length;
        }

        public void Sync()
        {
            if (!Path.GetFileName(path).StartsWith("log-", StringComparison.Ordinal))
            {
                _file.Sync();
                return;
            }

            Interlocked.Increment(ref disk._syncs);
            if (disk._gate is { } gate)
            {
                Interlocked.Increment(ref disk._waiting);
                gate.Task.Wait();
                Interlocked.Decrement(ref disk._waiting);
            }

            if (disk.FailsToSync)
            {
                throw new IOException("Input/output error");
            }

            _file.Sync();
        }

        public void Dispose() => _file.Dispose();
    }
}
