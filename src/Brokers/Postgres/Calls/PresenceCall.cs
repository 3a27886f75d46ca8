using System.Text;
using Weir.Relay.Brokers;
using Weir.Relay.Wire;

namespace Weir.Brokers.Postgres.Calls;

/// <summary>A client is present, or is no longer.</summary>
internal sealed class PresenceCall : Call<bool>
{
    private PresenceCall(string room, string client, byte[] member, long milliseconds)
    {
        RoomName = Encoding.UTF8.GetBytes(room);
        Client = client;
        Member = member;
        Milliseconds = milliseconds;
    }

    public byte[] RoomName { get; }

    public string Client { get; }

    public byte[] Member { get; }

    /// <summary>How long it is present; 0: it is removed.</summary>
    public long Milliseconds { get; }

    public override int Size => Member.Length + 128;

    public static PresenceCall Set(string room, RoomMember member, TimeSpan lifetime)
        => new(room, member.Client, MemberBody.Encode(member), Math.Max(1, (long)lifetime.TotalMilliseconds));

    public static PresenceCall Remove(string room, string client) => new(room, client, [], 0);

    /// <summary>Ends the call.</summary>
    public void Finish() => Finish(result: true);
}
