using Weir.Brokers.Postgres.Calls;

namespace Weir.Brokers.Postgres.Announcing;

/// <summary>Publications of this node with their positions: announced here without being read again.</summary>
internal sealed class OwnKeptBatch(PublishCall[] calls) : IAnnouncedBatch
{
    public void Deliver(AnnouncementTarget target)
    {
        foreach (PublishCall call in calls)
        {
            if (call.Publication is { } publication)
            {
                target.OnOwn(call.Room, publication, call.Position);
            }
        }
    }
}

/// <summary>Announcements of this node without offsets.</summary>
internal sealed class OwnPlainBatch(PlainCall[] calls) : IAnnouncedBatch
{
    public void Deliver(AnnouncementTarget target)
    {
        foreach (PlainCall call in calls)
        {
            target.OnPlain(call.RoomName, call.Body);
        }
    }
}
