namespace Weir.Brokers.File.Rooms;

/// <summary>What the writer is to do.</summary>
internal enum RequestKind
{
    Publish,
    Skip,
    Clear,

    /// <summary>The room was read first: its epoch is to outlive a restart.</summary>
    Create,

    /// <summary>The room is unused: it is removed if it still is when its turn comes.</summary>
    Forget,

    /// <summary>What was written is to be synchronized with the disk.</summary>
    Sync,

    /// <summary>A disk that did not store is tried again.</summary>
    Probe,

    /// <summary>A snapshot is complete, or has failed.</summary>
    Compacted,
}
