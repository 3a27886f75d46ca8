namespace Weir.Compression;

/// <summary>What <see cref="Inflater.Inflate"/> makes of its input.</summary>
internal enum InflateStatus
{
    /// <summary>Valid so far.</summary>
    Ok,

    /// <summary>
    /// Not deflate data, or a reference beyond the window or the history: the connection is to be failed.
    /// </summary>
    Corrupt,
}
