using System.Text;

namespace Weir.Brokers.File.Records;

/// <summary>Reads the fields of a body, in the order in which <see cref="RecordBuffer"/> wrote them.</summary>
/// <exception cref="InvalidDataException">Every method: the body ends before the field.</exception>
internal ref struct RecordFields(ReadOnlySpan<byte> body)
{
    private ReadOnlySpan<byte> _rest = body;

    public RecordKind ReadKind() => (RecordKind)Take(1)[0];

    public long ReadNumber()
    {
        long value = 0;
        for (int shift = 0; shift < 70; shift += 7)
        {
            byte next = Take(1)[0];
            value |= (long)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw new InvalidDataException("A number is too long.");
    }

    public ReadOnlySpan<byte> ReadBytes()
    {
        long length = ReadNumber();
        return length <= _rest.Length ? Take((int)length) : throw Short();
    }

    public string ReadText() => Encoding.UTF8.GetString(ReadBytes());

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
        {
            throw Short();
        }

        ReadOnlySpan<byte> taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    private static InvalidDataException Short() => new("The record is too short.");
}
