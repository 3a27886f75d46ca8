using System.Text;
using Weir.Connections;
using Weir.Testing;

namespace Weir.TestSupport.MessageReading;

/// <summary>What a client sends, and what the reader is to make of it. Written frame by frame.</summary>
internal sealed class MessageReaderStream
{
    private readonly List<byte> _bytes = [];

    /// <summary>The events, whose time of arrival is left open.</summary>
    public List<MessageReaderEvent> Expected { get; } = [];

    /// <summary>Where the frames begin.</summary>
    public List<int> FrameStarts { get; } = [];

    public byte[] ToArray() => [.. _bytes];

    public void Frame(int opcode, ReadOnlySpan<byte> payload, bool fin = true, int rsv = 0, uint key = Frames.ExampleKey)
    {
        FrameStarts.Add(_bytes.Count);
        _bytes.AddRange(Frames.Client(opcode, payload, fin, rsv, key));
    }

    public void Control(MessageReaderControl control)
    {
        Frame(control.IsPong ? 0xA : 0x9, control.Payload, key: control.Key);
        Expected.Add(new(control.IsPong ? ReadEvent.Pong : ReadEvent.Ping, "", control.Payload, 0));
    }

    /// <summary>Sends a message as planned, compressed where that is planned and agreed on.</summary>
    public void Message(MessageReaderPlan plan, MessageReaderCompressor? compressor)
    {
        bool compressed = plan.Compressed && compressor is not null;
        byte[] payload = compressed ? compressor!.Compress(plan.Payload) : plan.Payload;
        int start = 0;
        for (int i = 0; i <= plan.FragmentEnds.Length; i++)
        {
            bool fin = i == plan.FragmentEnds.Length;
            int end = fin ? payload.Length : (int)((long)payload.Length * plan.FragmentEnds[i] / MessageReaderPlan.Whole);
            int opcode = i > 0 ? 0x0 : plan.IsText ? 0x1 : 0x2;
            Frame(opcode, payload.AsSpan(start..end), fin, rsv: compressed && i == 0 ? 4 : 0, plan.Key + (uint)(i * 0x01020304));
            start = end;
            if (!fin && i < plan.Controls.Length)
            {
                Control(plan.Controls[i]);
            }
        }

        Expected.Add(new(ReadEvent.Message, plan.IsText ? "text" : "binary", plan.Payload, 0));
    }

    public void Close(int code, string reason)
    {
        byte[] payload = [(byte)(code >> 8), (byte)code, .. Encoding.UTF8.GetBytes(reason)];
        Frame(0x8, payload);
        Expected.Add(new(ReadEvent.Close, $"{code} \"{reason}\"", [], 0));
    }
}

/// <summary>A Ping or Pong to send.</summary>
internal sealed record MessageReaderControl(bool IsPong, byte[] Payload, uint Key);

/// <summary>
/// A message to send. FragmentEnds has the ends of its frames but the last, of <see cref="Whole"/> and ascending; the i-th
/// of Controls comes after the i-th frame, if that is not the last.
/// </summary>
internal sealed record MessageReaderPlan(
    bool IsText, byte[] Payload, int[] FragmentEnds, MessageReaderControl[] Controls, uint Key, bool Compressed)
{
    public const int Whole = 1000;
}
