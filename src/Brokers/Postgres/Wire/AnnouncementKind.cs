namespace Weir.Brokers.Postgres.Wire;

/// <summary>
/// The first byte of an announcement without an offset; the SQL functions write those of presence. Other kinds are ignored, so that nodes
/// of different versions can share a database.
/// </summary>
internal enum AnnouncementKind : byte
{
    Publication = 1,
    Joined = 2,
    Left = 3,
    Control = 4,
    Probe = 5,
}
