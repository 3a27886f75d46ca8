using System.Text;
using Weir.Brokers.Redis.Diagnostics;
using Weir.Brokers.Redis.Links;
using Weir.Brokers.Redis.Wire;
using Weir.Relay.Brokers;
using Weir.Relay.Wire;

namespace Weir.Brokers.Redis;

public sealed partial class RedisBroker
{
    void IAnnouncementTarget.OnBatchBegins() => _sink!.OnBatchBegins();

    void IAnnouncementTarget.OnBatchEnded() => _sink!.OnBatchEnded();

    void IAnnouncementTarget.OnAnnouncement(ChannelSubscription subscription, ReadOnlyMemory<byte> announcement)
    {
        FieldReader reader = new(announcement);
        try
        {
            if (!Announcement.TryBegin(ref reader, out AnnouncementKind kind) || !Deliver(subscription, kind, ref reader))
            {
                RedisLog.AnnouncementUnreadable(_logger, subscription.Channel);
            }
        }
        catch (Exception error)
        {
            // The reader of the link must continue for the other rooms.
            RedisLog.SinkFailed(_logger, error);
        }
    }

    private bool Deliver(ChannelSubscription subscription, AnnouncementKind kind, ref FieldReader reader)
    {
        IBrokerSink sink = _sink!;
        switch (kind)
        {
            case AnnouncementKind.Publication when subscription.Room is { } room:
                if (!Announcement.TryReadPosition(ref reader, out long offset, out ReadOnlySpan<byte> epoch)
                    || !PublicationBody.TryRead(reader.ReadRest(), offset, out Publication? publication))
                {
                    return false;
                }

                if (!Ascii.Equals(epoch, subscription.Epoch))
                {
                    subscription.Epoch = Encoding.UTF8.GetString(epoch);
                }

                sink.OnPublication(room, publication, subscription.Epoch);
                return true;

            case AnnouncementKind.Joined or AnnouncementKind.Left when subscription.Room is { } room:
                if (!MemberBody.TryRead(reader.ReadRest(), out RoomMember? member))
                {
                    return false;
                }

                sink.OnPresenceChanged(room, member, hasJoined: kind == AnnouncementKind.Joined);
                return true;

            case AnnouncementKind.Control when subscription.Room is null:
                if (!reader.TryReadText(out string node))
                {
                    return false;
                }

                // A message for all other nodes reaches its sender as well.
                if (node != sink.NodeId)
                {
                    sink.OnControl(reader.ReadRest());
                }

                return true;

            default:
                return false;
        }
    }
}
