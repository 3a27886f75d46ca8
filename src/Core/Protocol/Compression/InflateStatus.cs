namespace Weir.Protocol.Compression;

/// <summary>The result of <see cref="Inflater.Inflate"/>.</summary>
internal enum InflateStatus
{
    /// <summary>Valid so far.</summary>
    Ok,

    /// <summary>
    /// Not deflate data, or a reference beyond the window or the history: the connection is to be failed.
    /// </summary>
    Corrupt,
}
