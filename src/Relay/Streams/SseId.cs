using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Weir.Relay.Brokers;
using Weir.Relay.Nodes;

namespace Weir.Relay.Streams;

/// <summary>An id of a stream of several rooms, as a client returns it.</summary>
/// <remarks>
/// <para>The text is <c>n;positions</c> or <c>n;positions;rooms</c>: the index of the event's room, the positions of the rooms, and a
/// digest of their names, without which it cannot be detected that a client has returned with other rooms or in another order.</para>
/// <para>Positions are a list with one for each room, or, in a stream of more than <see cref="MostPositions"/> rooms,
/// <c>@handle.entry,i=position,...</c>: the entry of an <see cref="SseLog"/> (empty: none), and the positions of rooms that have changed
/// since.</para>
/// </remarks>
/// <param name="Log">The log that the positions begin with; <c>null</c> if none.</param>
/// <param name="Entry">The number of its entry.</param>
/// <param name="Positions">The positions that the id itself names.</param>
internal sealed record SseId(string? Log, long Entry, IReadOnlyList<(int Room, StreamPosition Position)> Positions)
{
    /// <summary>The most positions in an id, so that it stays below a kilobyte whatever the rooms.</summary>
    public const int MostPositions = 16;

    /// <summary>Reads an id.</summary>
    /// <param name="text">The id.</param>
    /// <param name="rooms">The number of the stream's rooms; 1: the id is a position alone.</param>
    /// <param name="digest">The digest of their names.</param>
    /// <returns>The id; <c>null</c> if it is not an id of these rooms.</returns>
    public static SseId? TryParse(string text, int rooms, string digest)
    {
        if (rooms == 1)
        {
            return TryParsePosition(text, out StreamPosition alone) ? new SseId(null, 0, [(0, alone)]) : null;
        }

        string[] parts = text.Split(';');
        if (parts.Length is < 2 or > 3 || (parts.Length == 3 && parts[2] != digest))
        {
            return null;
        }

        string[] items = parts[1].Split(',');
        if (items[0] is ['@', .. string reference])
        {
            string? log = null;
            long entry = 0;
            return (reference.Length == 0 || TryParseReference(reference, out log, out entry))
                && ReadChanges(items.AsSpan(1), rooms) is { } changes ? new SseId(log, entry, changes) : null;
        }

        List<(int, StreamPosition)> all = [];
        for (int room = 0; room < items.Length; room++)
        {
            if (!TryParsePosition(items[room], out StreamPosition position))
            {
                return null;
            }

            all.Add((room, position));
        }

        return all.Count == rooms ? new SseId(null, 0, all) : null;
    }

    /// <summary>Reads positions of the form <c>room=epoch:offset</c>; <c>null</c> if one of them is malformed.</summary>
    public static List<(int Room, StreamPosition Position)>? ReadChanges(ReadOnlySpan<string> texts, int rooms)
    {
        List<(int, StreamPosition)> changes = new(texts.Length);
        foreach (string text in texts)
        {
            int equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0
                || !int.TryParse(text.AsSpan(0, equals), NumberStyles.None, CultureInfo.InvariantCulture, out int room) || room >= rooms
                || !TryParsePosition(text[(equals + 1)..], out StreamPosition position))
            {
                return null;
            }

            changes.Add((room, position));
        }

        return changes;
    }

    /// <summary>A digest of the names of a stream's rooms in their order: 6 characters.</summary>
    public static string DigestOf(IReadOnlyList<AdmittedRoom> rooms)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (AdmittedRoom room in rooms)
        {
            byte[] name = Encoding.UTF8.GetBytes(room.Name);
            hash.AppendData(BitConverter.GetBytes(name.Length));
            hash.AppendData(name);
        }

        return Text(hash.GetHashAndReset().AsSpan(0, 4));
    }

    /// <summary>Base64 for URLs (RFC 4648 section 5), without padding.</summary>
    public static string Text(ReadOnlySpan<byte> bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);

    private static bool TryParseReference(string text, out string? log, out long entry)
    {
        int dot = text.IndexOf('.', StringComparison.Ordinal);
        log = dot < 0 ? null : text[..dot];
        entry = 0;
        return log is not null && SseLog.IsHandle(log)
            && long.TryParse(text.AsSpan(dot + 1), NumberStyles.None, CultureInfo.InvariantCulture, out entry);
    }

    private static bool TryParsePosition(string text, out StreamPosition position)
    {
        position = default;
        int colon = text.LastIndexOf(':');
        if (colon < 0 || !long.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out long offset))
        {
            return false;
        }

        position = colon == 0 ? default : new StreamPosition(text[..colon], offset);
        return true;
    }
}
