using System.Buffers.Binary;

namespace Weir.Integration.Soak;

/// <summary>
/// Commands to the server (one letter, a number) and the answers: acknowledgements, in band and so behind everything
/// that was sent before, and published messages, whose every byte follows from its publisher.
/// </summary>
internal static class SoakProtocol
{
    public const byte Join = (byte)'J';
    public const byte Leave = (byte)'L';
    public const byte Publish = (byte)'P';
    public const byte Acknowledge = (byte)'A';

    /// <summary>Announces the end: memberships last until here at least.</summary>
    public const byte DisconnectReason = (byte)'B';

    public const int CommandBytes = 5;
    private const int HeaderBytes = 13;

    public static byte[] Command(byte letter, int number)
    {
        byte[] command = new byte[CommandBytes];
        command[0] = letter;
        BinaryPrimitives.WriteInt32LittleEndian(command.AsSpan(1), number);
        return command;
    }

    public static int NumberOf(ReadOnlySpan<byte> command) => BinaryPrimitives.ReadInt32LittleEndian(command[1..]);

    public static byte[] Message(int room, int publisher, int sequence)
    {
        byte[] message = new byte[SizeOf(publisher, sequence)];
        message[0] = Publish;
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(1), room);
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(5), publisher);
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(9), sequence);
        message.AsSpan(HeaderBytes).Fill((byte)(publisher + sequence));
        return message;
    }

    /// <exception cref="InvalidDataException">A byte is not what it must be.</exception>
    public static Receipt ReadMessage(ReadOnlySpan<byte> message)
    {
        int room = BinaryPrimitives.ReadInt32LittleEndian(message[1..]);
        int publisher = BinaryPrimitives.ReadInt32LittleEndian(message[5..]);
        int sequence = BinaryPrimitives.ReadInt32LittleEndian(message[9..]);
        bool isRight = message.Length == SizeOf(publisher, sequence)
            && message[HeaderBytes..].IndexOfAnyExcept((byte)(publisher + sequence)) < 0;
        return isRight ? new Receipt(room, publisher, sequence)
            : throw new InvalidDataException($"Message {sequence} of {publisher} to room {room} is damaged.");
    }

    // Mostly small; now and then one that does not fit a segment of the pipe, or a chunk of the sender.
    private static int SizeOf(int publisher, int sequence) =>
        HeaderBytes + (((publisher * 31) + sequence) % 200 == 0 ? 40_000 : ((publisher * 17) + (sequence * 101)) % 300);
}
