using Weir.Protocol;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Postgres.Keeping;

/// <summary>A publication of an application's transaction.</summary>
/// <param name="Id">Its primary key.</param>
/// <param name="Turn">Its place in the order of the commits.</param>
/// <param name="Room">The room.</param>
/// <param name="Data">The message.</param>
/// <param name="IsBinary">Binary, or text in UTF-8.</param>
/// <param name="Key">As <see cref="Publication.Key"/>.</param>
internal sealed record OutboxRow(long Id, long Turn, string Room, byte[] Data, bool IsBinary, string? Key)
{
    public Publication ToPublication()
        => new() { Data = Data, Kind = IsBinary ? MessageKind.Binary : MessageKind.Text, Key = Key };
}
