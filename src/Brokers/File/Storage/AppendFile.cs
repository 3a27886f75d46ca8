using Microsoft.Win32.SafeHandles;

namespace Weir.Brokers.File.Storage;

/// <inheritdoc/>
internal sealed class AppendFile : IAppendFile
{
    private readonly SafeFileHandle _handle;

    /// <summary>Creates it; only its owner may read it, since it has the messages of all rooms.</summary>
    public AppendFile(string path)
    {
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.Read };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using FileStream created = new(path, options); // the mode is an option of streams only
        created.Dispose();
        _handle = System.IO.File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.Read);
    }

    public long Length { get; private set; }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        RandomAccess.Write(_handle, bytes, Length);
        Length += bytes.Length;
    }

    public void CutTo(long length)
    {
        RandomAccess.SetLength(_handle, length);
        Length = length;
    }

    public void Sync() => RandomAccess.FlushToDisk(_handle);

    public void Dispose() => _handle.Dispose();
}
