using Microsoft.Extensions.Logging;
using Weir.Brokers.Postgres.Diagnostics;
using Weir.Brokers.Postgres.Wire;
using Weir.Relay.Brokers;
using Weir.Relay.Wire;

namespace Weir.Brokers.Postgres.Announcing;

/// <summary>Decodes announcements for the sink. Called in the order of a lane.</summary>
internal sealed class AnnouncementTarget(IBrokerSink sink, Subscriptions subscriptions, ILogger logger)
{
    public Subscriptions Subscriptions => subscriptions;

    public void OnBatchBegins() => Guard(static sink => sink.OnBatchBegins());

    public void OnBatchEnded() => Guard(static sink => sink.OnBatchEnded());

    /// <summary>A publication of this node, which needs no decoding.</summary>
    public void OnOwn(string room, Publication publication, StreamPosition position)
    {
        if (subscriptions.Contains(room))
        {
            Pass(room, publication.WithOffset(position.Offset), position.Epoch);
        }
    }

    /// <summary>A publication with an offset.</summary>
    public void OnKept(string room, ReadOnlyMemory<byte> body, StreamPosition position)
    {
        if (PublicationBody.TryRead(body, position.Offset, out Publication? publication))
        {
            Pass(room, publication, position.Epoch);
        }
        else
        {
            PostgresLog.AnnouncementUnreadable(logger); // a gap, which the room's readers find
        }
    }

    /// <summary>Anything else; begins with its kind.</summary>
    public void OnPlain(ReadOnlySpan<byte> roomName, ReadOnlyMemory<byte> body)
    {
        if (body.IsEmpty)
        {
            PostgresLog.AnnouncementUnreadable(logger);
            return;
        }

        AnnouncementKind kind = (AnnouncementKind)body.Span[0];
        ReadOnlyMemory<byte> rest = body[1..];
        switch (kind)
        {
            case AnnouncementKind.Publication when subscriptions.Find(roomName) is { } room:
                if (PublicationBody.TryRead(rest, offset: 0, out Publication? publication))
                {
                    Pass(room, publication, epoch: "");
                    return;
                }

                break;
            case AnnouncementKind.Joined or AnnouncementKind.Left when subscriptions.Find(roomName) is { } room:
                if (MemberBody.TryRead(rest, out RoomMember? member))
                {
                    Guard(sink => sink.OnPresenceChanged(room, member, kind == AnnouncementKind.Joined));
                    return;
                }

                break;
            case AnnouncementKind.Control:
                bool isForThis = ControlBody.IsFor(sink.NodeId, rest, out ReadOnlyMemory<byte> message, out bool isValid);
                if (isForThis)
                {
                    Guard(sink => sink.OnControl(message));
                }

                if (isValid)
                {
                    return;
                }

                break;
            default:
                return; // of a room that is not subscribed to, a probe, or of a newer version
        }

        PostgresLog.AnnouncementUnreadable(logger);
    }

    private void Pass(string room, Publication publication, string epoch)
    {
        try
        {
            sink.OnPublication(room, publication, epoch);
        }
        catch (Exception error)
        {
            // The lane continues for the other rooms.
            PostgresLog.SinkFailed(logger, error);
        }
    }

    private void Guard(Action<IBrokerSink> call)
    {
        try
        {
            call(sink);
        }
        catch (Exception error)
        {
            PostgresLog.SinkFailed(logger, error);
        }
    }
}
