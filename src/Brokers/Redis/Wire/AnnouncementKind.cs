namespace Weir.Brokers.Redis.Wire;

/// <summary>The second byte of an <see cref="Announcement"/>.</summary>
internal enum AnnouncementKind : byte
{
    Publication = 1,
    Joined = 2,
    Left = 3,
    Control = 4,
    Probe = 5,
}
