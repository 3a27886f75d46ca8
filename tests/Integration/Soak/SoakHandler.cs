using System.Buffers;
using System.Globalization;
using Weir.Closing;
using Weir.Connections;
using Weir.Rooms;

namespace Weir.Integration.Soak;

/// <summary>Does what clients command and enters it into the ledger.</summary>
internal sealed class SoakHandler(SoakLedger ledger, RoomDirectory rooms) : WeirHandler
{
    public override ValueTask OnOpenedAsync(WeirConnection connection)
    {
        connection.State = ledger.Member(int.Parse(connection.Request.GetQueryValue("id")!, CultureInfo.InvariantCulture));
        return ValueTask.CompletedTask;
    }

    public override ValueTask OnMessageAsync(WeirConnection connection, WeirMessage message)
    {
        SoakMember member = (SoakMember)connection.State!;
        Span<byte> command = stackalloc byte[SoakProtocol.CommandBytes];
        message.Payload.Slice(0, SoakProtocol.CommandBytes).CopyTo(command);
        int number = SoakProtocol.NumberOf(command);
        switch (command[0])
        {
            case SoakProtocol.Join:
                Join(connection, member, number);
                break;
            case SoakProtocol.Leave:
                Leave(connection, member, number);
                break;
            case SoakProtocol.Publish:
                bool isMember = OpenMembership(member, number) is not null;
                member.Published.Add(new Publication(number, member.Id, member.Published.Count, isMember, ledger.Tick()));
                rooms.Publish(NameOf(number), message.Payload, message.Kind);
                break;
            case SoakProtocol.Acknowledge:
                connection.Send(message.Payload, message.Kind);
                EndPublications(member);
                break;
            case SoakProtocol.DisconnectReason:
                OpenMemberships(member).ForEach(each => each.LeaveStart = ledger.Tick());
                break;
            default:
                throw new InvalidDataException($"Command {command[0]}");
        }

        return ValueTask.CompletedTask;
    }

    public override ValueTask OnClosedAsync(WeirConnection connection, WeirClosure closure)
    {
        SoakMember member = (SoakMember)connection.State!;
        OpenMemberships(member).ForEach(each => each.LeaveEnd = ledger.Tick());
        EndPublications(member);
        return ValueTask.CompletedTask;
    }

    private void Join(WeirConnection connection, SoakMember member, int room)
    {
        if (OpenMembership(member, room) is null)
        {
            long start = ledger.Tick();
            rooms.Join(NameOf(room), connection);
            member.Memberships.Add(new Membership(room, start, ledger.Tick()));
            EndPublications(member);
        }
    }

    private void Leave(WeirConnection connection, SoakMember member, int room)
    {
        if (OpenMembership(member, room) is { } membership)
        {
            membership.LeaveStart = ledger.Tick();
            rooms.Leave(NameOf(room), connection);
            membership.LeaveEnd = ledger.Tick();
            EndPublications(member);
        }
    }

    // Publications of one pass may be gathered: they are delivered when a message is sent, or a member joins or leaves.
    private void EndPublications(SoakMember member)
    {
        for (int i = member.Published.Count - 1; i >= 0 && member.Published[i].End == long.MaxValue; i--)
        {
            member.Published[i].End = ledger.Tick();
        }
    }

    private static Membership? OpenMembership(SoakMember member, int room) =>
        OpenMemberships(member).Find(each => each.Room == room);

    private static List<Membership> OpenMemberships(SoakMember member) =>
        member.Memberships.FindAll(static each => each.LeaveEnd == long.MaxValue);

    private static string NameOf(int room) => string.Create(CultureInfo.InvariantCulture, $"room-{room}");
}
