namespace Weir.Brokers.Postgres.Announcing;

/// <summary>One row of the announcements.</summary>
internal interface IAnnouncedBatch
{
    /// <summary>Passes on what belongs to subscribed rooms and to this node, in order.</summary>
    void Deliver(AnnouncementTarget target);
}
