using Weir.Relay.Brokers;

namespace Weir.Brokers.Postgres.Announcing;

/// <summary>A batch as the table of announcements has it.</summary>
/// <param name="Rooms">The rooms' names.</param>
/// <param name="Epochs">Of each room; <c>null</c> in the lane without offsets.</param>
/// <param name="Tops">Of each room, before the batch.</param>
/// <param name="Room">Of each body: its room, from 1.</param>
/// <param name="Rel">Of each body: its offset less the room's top.</param>
/// <param name="Bodies">Publications, or announcements that begin with their kind; <c>null</c> for an offset that was skipped.</param>
internal sealed record ReadBatch(byte[][] Rooms, string[]? Epochs, long[]? Tops, int[] Room, int[]? Rel, byte[]?[] Bodies) : IAnnouncedBatch
{
    public void Deliver(AnnouncementTarget target)
    {
        if (Epochs is null || Tops is null || Rel is null)
        {
            for (int i = 0; i < Bodies.Length; i++)
            {
                target.OnPlain(Rooms[Room[i] - 1], Bodies[i]);
            }

            return;
        }

        string?[] names = [.. Rooms.Select(name => target.Subscriptions.Find(name))];
        for (int i = 0; i < Bodies.Length; i++)
        {
            int room = Room[i] - 1;
            if (names[room] is { } name && Bodies[i] is { } body)
            {
                target.OnKept(name, body, new StreamPosition(Epochs[room], Tops[room] + Rel[i]));
            }
        }
    }
}
