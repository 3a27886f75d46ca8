using Weir.TestSupport.MessageReading;

namespace Weir.Core.Tests.Connections;

/// <summary>Damages streams the ways networks do not, but attackers and bad clients do.</summary>
internal sealed class MessageReaderMutator(Random random, MessageReaderStream[] corpus)
{
    // Where lengths and closes are decided; and the first bytes of all frames that exist.
    private static readonly byte[] _lengthBytes = [0x80, 0x81, 0xFD, 0xFE, 0xFF, 0x00, 0x7D, 0x7E, 0x7F];
    private static readonly byte[] _firstBytes = [0x00, 0x80, 0x01, 0x81, 0x02, 0x82, 0x41, 0xC1, 0x42, 0xC2, 0x88, 0x89, 0x8A];

    private byte[] _bytes = [];
    private List<int> _frameStarts = [];

    public byte[] Next()
    {
        if (random.Next(20) == 0)
        {
            byte[] noise = new byte[random.Next(200)];
            random.NextBytes(noise);
            return noise;
        }

        MessageReaderStream original = corpus[random.Next(corpus.Length)];
        _bytes = original.ToArray();
        _frameStarts = original.FrameStarts;
        for (int times = random.Next(1, 4); times > 0; times--)
        {
            MutateOnce();
        }

        return _bytes;
    }

    private void MutateOnce()
    {
        switch (random.Next(9))
        {
            case 0:
                FlipBits(random.Next(1, 9));
                break;
            case 1:
                _bytes = _bytes[..random.Next(_bytes.Length + 1)];
                break;
            case 2:
                (int from, int to) = Range();
                _bytes = [.. _bytes[..to], .. _bytes[from..]]; // again
                break;
            case 3:
                (from, to) = Range();
                _bytes = [.. _bytes[..from], .. _bytes[to..]]; // left out
                break;
            case 4:
                byte[] other = corpus[random.Next(corpus.Length)].ToArray();
                _bytes = [.. _bytes[..AnyPosition(_bytes.Length)], .. other[random.Next(other.Length + 1)..]];
                break;
            case 5:
                Set(FrameStart() + 1, _lengthBytes[random.Next(_lengthBytes.Length)]);
                break;
            case 6:
                int length = FrameStart() + random.Next(2, 10); // of a long form, or key, or payload
                Set(length, (byte)random.Next(256));
                break;
            case 7:
                Set(FrameStart(), _firstBytes[random.Next(_firstBytes.Length)]);
                break;
            default:
                byte[] inserted = new byte[random.Next(1, 20)];
                random.NextBytes(inserted);
                int at = random.Next(_bytes.Length + 1);
                _bytes = [.. _bytes[..at], .. inserted, .. _bytes[at..]];
                break;
        }
    }

    private void FlipBits(int count)
    {
        for (; count > 0 && _bytes.Length > 0; count--)
        {
            _bytes[random.Next(_bytes.Length)] ^= (byte)(1 << random.Next(8));
        }
    }

    private void Set(int at, byte value)
    {
        if (at < _bytes.Length)
        {
            _bytes[at] = value;
        }
    }

    // Whole frames half of the time, so that order breaks and not only bytes.
    private (int From, int To) Range()
    {
        int a = AnyPosition(_bytes.Length);
        int b = AnyPosition(_bytes.Length);
        return (Math.Min(a, b), Math.Max(a, b));
    }

    private int AnyPosition(int length) => random.Next(2) == 0 ? Math.Min(FrameStart(), length) : random.Next(length + 1);

    private int FrameStart() => _frameStarts[random.Next(_frameStarts.Count)];
}
