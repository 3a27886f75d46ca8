namespace Weir.Brokers.File.Storage;

/// <summary>A file that is written at its end. Not thread-safe.</summary>
internal interface IAppendFile : IDisposable
{
    /// <summary>The bytes that were appended and not removed.</summary>
    long Length { get; }

    /// <exception cref="IOException">Not all was written; <see cref="Length"/> is as before.</exception>
    void Append(ReadOnlySpan<byte> bytes);

    /// <summary>Removes the bytes after a length, with those that an <see cref="Append"/> which failed may have written.</summary>
    /// <exception cref="IOException">The system reports an error.</exception>
    void CutTo(long length);

    /// <summary>Waits until the disk has what was written.</summary>
    /// <exception cref="IOException">The system reports an error; then it is unknown what the disk has.</exception>
    void Sync();
}
