using System.Buffers.Binary;
using Weir.LoadTest.Client;

namespace Weir.LoadTest.Steady;

/// <summary>
/// A message of a room: when it was due, which room, and its number there. One masked frame serves all messages of its size;
/// only the stamp is written anew.
/// </summary>
internal sealed class RoomMessage(int payloadBytes)
{
    public const int StampBytes = 16;

    private readonly byte[] _frame = MaskedFrames.Make(ServerFrame.Binary, new byte[payloadBytes]);
    private readonly int _payload = MaskedFrames.HeaderLength(payloadBytes);

    /// <summary>The frame, until the next call.</summary>
    public ReadOnlySpan<byte> Stamp(long due, int room, int number)
    {
        Span<byte> stamp = stackalloc byte[StampBytes];
        BinaryPrimitives.WriteInt64LittleEndian(stamp, due);
        BinaryPrimitives.WriteInt32LittleEndian(stamp[8..], room);
        BinaryPrimitives.WriteInt32LittleEndian(stamp[12..], number);
        for (int i = 0; i < StampBytes; i++)
        {
            _frame[_payload + i] = (byte)(stamp[i] ^ (MaskedFrames.MaskingKey >> (8 * (i % 4))));
        }

        return _frame;
    }

    public static (long Due, int Room, int Number) Read(ReadOnlySpan<byte> payload) => (
        BinaryPrimitives.ReadInt64LittleEndian(payload),
        BinaryPrimitives.ReadInt32LittleEndian(payload[8..]),
        BinaryPrimitives.ReadInt32LittleEndian(payload[12..]));
}
