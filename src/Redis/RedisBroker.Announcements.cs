using System.Text;
using Weir.Redis.Diagnostics;
using Weir.Redis.Links;
using Weir.Redis.Wire;
using Weir.Relay;

namespace Weir.Redis;

public sealed partial class RedisBroker
{
    void IAnnouncementTarget.OnBatchBegins() => _sink!.OnBatchBegins();

    void IAnnouncementTarget.OnBatchEnded() => _sink!.OnBatchEnded();

    void IAnnouncementTarget.OnAnnouncement(Subscription subscription, ReadOnlyMemory<byte> announcement)
    {
        ByteReader reader = new(announcement);
        try
        {
            if (!Announcement.TryBegin(ref reader, out AnnouncementKind kind) || !Deliver(subscription, kind, ref reader))
            {
                RedisLog.AnnouncementUnreadable(_logger, subscription.Channel);
            }
        }
        catch (Exception error)
        {
            // The reader of the link must go on for the other rooms.
            RedisLog.SinkFailed(_logger, error);
        }
    }

    private bool Deliver(Subscription subscription, AnnouncementKind kind, ref ByteReader reader)
    {
        IBrokerSink sink = _sink!;
        switch (kind)
        {
            case AnnouncementKind.Publication when subscription.Room is { } room:
                if (!reader.TryReadNumber(out long offset)
                    || !reader.TryReadWord(out ReadOnlySpan<byte> epoch)
                    || !PublicationBody.TryRead(reader.ReadRest(), offset, out Publication? publication))
                {
                    return false;
                }

                if (!Ascii.Equals(epoch, subscription.Epoch))
                {
                    subscription.Epoch = Encoding.UTF8.GetString(epoch);
                }

                sink.OnPublication(room, publication!, subscription.Epoch);
                return true;

            case AnnouncementKind.Joined or AnnouncementKind.Left when subscription.Room is { } room:
                if (!MemberBody.TryRead(reader.ReadRest(), out RoomMember? member))
                {
                    return false;
                }

                sink.OnPresenceChanged(room, member!, hasJoined: kind == AnnouncementKind.Joined);
                return true;

            case AnnouncementKind.Control when subscription.Room is null:
                if (!reader.TryReadText(out string node))
                {
                    return false;
                }

                // What is for all others comes to its sender as well.
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
