namespace Weir.Brokers.File.Records;

/// <summary>The first byte of a record; its value is part of the format.</summary>
internal enum RecordKind : byte
{
    /// <summary>The first record of a log: version of the format, and how many records the log before it has.</summary>
    LogHeader = 1,

    /// <summary>The first record of a snapshot: version, generations, the next id of a room.</summary>
    SnapshotHeader = 2,

    /// <summary>A room of a snapshot; as many publications follow as it says.</summary>
    Room = 3,

    /// <summary>The last record of a snapshot.</summary>
    SnapshotEnd = 4,

    /// <summary>A room is created: id, name, seed of its epochs.</summary>
    Create = 5,

    /// <summary>A publication of a room.</summary>
    Publish = 6,

    /// <summary>A room skips an offset.</summary>
    Skip = 7,

    /// <summary>A room's history is removed.</summary>
    Clear = 8,

    /// <summary>A room is removed.</summary>
    Drop = 9,

    /// <summary>No content: whether the disk stores again.</summary>
    Probe = 10,
}
