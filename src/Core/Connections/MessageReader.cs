using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Unicode;
using Weir.Compression;
using Weir.Framing;

namespace Weir.Connections;

/// <summary>What <see cref="MessageReader.Next"/> found.</summary>
internal enum ReadEvent
{
    /// <summary>Nothing more in these bytes; all that is left of the buffer has been looked at.</summary>
    NeedMore,

    /// <summary>A whole data message.</summary>
    Message,

    /// <summary>A piece of a data message, where pieces are asked for.</summary>
    Fragment,

    Ping,

    Pong,

    Close,

    /// <summary>The client broke a rule: <see cref="MessageReader.Fault"/> says which.</summary>
    Fault,
}

/// <summary>
/// Turns received bytes into messages: RFC 6455 section 5 and, where negotiated, RFC 7692. A pull parser without I/O:
/// give it what the pipe holds, it takes off the front what it is done with.
/// </summary>
/// <remarks>
/// <para>A message in one frame of up to <see cref="InPlaceBytes"/> is never copied: it is unmasked where the transport put
/// it and handed out as a slice. While it is incomplete it stays in the pipe, header and all; of text the part that has
/// arrived is unmasked and checked, and <see cref="_checked"/> remembers how far, so that no byte is unmasked twice.</para>
/// <para>Larger frames, fragments and compressed messages are taken out of the pipe as they arrive, into a
/// <see cref="MessageAssembly"/> or an inflater. An idle connection holds neither.</para>
/// <para>The buffer must be writable memory, as that of pipes is. Payloads handed out are valid until the next call.</para>
/// <para>Between messages there is nothing to remember, so a quiet connection has no reader: each thread keeps one, which
/// <see cref="Borrow"/> gives to whoever has received something and <see cref="TryGiveBack"/> takes back.</para>
/// </remarks>
internal sealed partial class MessageReader
{
    /// <summary>
    /// The largest message left in the pipe until it is whole, in bytes. Beyond it the walk over the pipe's 4 KiB segments
    /// at each read costs more than one copy.
    /// </summary>
    public const int InPlaceBytes = 64 * 1024;

    /// <summary>
    /// A message may be cut into this many frames, whatever they carry, before a limit on messages counts its frames. Enough
    /// for a client that flushes a few pieces as they come about.
    /// </summary>
    internal const int FreeFrames = 16;

    /// <summary>
    /// Beyond <see cref="FreeFrames"/>, the payload in bytes that a frame carries on average where it is not counted. The pieces
    /// that libraries cut large messages into are of 1 KiB and more.
    /// </summary>
    internal const int FairFrameBytes = 128;

    private static readonly ProtocolFault _tooBig = new(CloseCode.MessageTooBig, "message too big");
    private static readonly ProtocolFault _notUtf8 = new(CloseCode.InvalidPayload, "text is not UTF-8 (RFC 6455 8.1)");
    private static readonly ProtocolFault _notDeflate = new(CloseCode.InvalidPayload, "compressed data is corrupt (RFC 7692 7.2.2)");

    [ThreadStatic]
    private static MessageReader? _ofThread;

    private readonly DeflateParameters? _deflate;
    private ReadSettings _settings;
    private MessageAssembly? _assembly;
    private Inflater? _inflater;
    private Utf8Validator _utf8;

    // The message in progress; _opcode is Continuation (0) when there is none.
    private Opcode _opcode;
    private Opcode _kind;
    private bool _compressed;
    private bool _pieceHandedOut;
    private long _messageBytes;
    private long _inflatedBytes;
    private int _frames;
    private int _smallFrames;

    // The frame in progress, once its header has been taken off the pipe.
    private bool _inFrame;
    private bool _frameIsLast;
    private uint _frameKey;
    private long _frameLeft;

    // How much of the payload of a text frame that is still in the pipe has been unmasked and checked.
    private int _checked;
    private bool _discarding;
    private bool _swallowing;

    public MessageReader(ReadSettings settings, DeflateParameters? deflate)
    {
        _settings = settings;
        _deflate = deflate;
    }

    /// <summary>A reader between messages, without compression; nobody else has it.</summary>
    public static MessageReader Borrow(ReadSettings settings)
    {
        if (_ofThread is not { } reader)
        {
            return new MessageReader(settings, deflate: null);
        }

        _ofThread = null;
        reader._settings = settings;
        return reader;
    }

    /// <summary>
    /// For the next one on this thread, unless there is something to remember: then it stays with its connection, and this is false.
    /// </summary>
    public bool TryGiveBack()
    {
        bool isAsNew = IsBetweenMessages && _deflate is null && _assembly is null && Fault is null && !HasSeenClose;
        if (isAsNew)
        {
            _smallFrames = 0;
            Payload = default;
            _ofThread = this;
        }

        return isAsNew;
    }

    /// <summary>The payload of the message, piece, Ping or Pong just returned.</summary>
    public ReadOnlySequence<byte> Payload { get; private set; }

    /// <summary>The kind of the message just returned.</summary>
    public MessageKind Kind => (MessageKind)_kind;

    /// <summary>Whether the piece just returned begins its message.</summary>
    public bool IsFirst { get; private set; }

    /// <summary>Whether the piece just returned ends its message.</summary>
    public bool IsLast { get; private set; }

    /// <summary>The code of the close frame just returned.</summary>
    public CloseCode CloseCode { get; private set; }

    /// <summary>The reason of the close frame just returned.</summary>
    public string CloseReason { get; private set; } = "";

    /// <summary>The rule that was broken.</summary>
    public ProtocolFault? Fault { get; private set; }

    public bool IsDiscarding => _discarding;

    /// <summary>Whether a close frame has come, be it a faulty one.</summary>
    public bool HasSeenClose { get; private set; }

    /// <summary>
    /// From here on only a Close is looked for: everything else is skipped without being unmasked, checked or kept. What
    /// a connection that has sent its close frame does with the rest (RFC 6455 section 7.1.2).
    /// </summary>
    public void Discard()
    {
        _discarding = true;
        Release();
    }

    /// <summary>Gives everything rented back. The reader can go on discarding.</summary>
    public void Release()
    {
        ReleaseAssembly();
        if (_inflater is { } inflater)
        {
            _inflater = null;
            _settings.Zlib!.Return(inflater);
        }
    }

    /// <summary>
    /// How many frames have come, since the last call, that their messages would not have needed: those that make a message
    /// consist of more than <see cref="FreeFrames"/>, and one for each <see cref="FairFrameBytes"/> of its payload as received.
    /// They cost the server as much as messages do.
    /// </summary>
    public int TakeSmallFrames()
    {
        int count = _smallFrames;
        _smallFrames = 0;
        return count;
    }

    /// <summary>Finds the next event in <paramref name="buffer"/> and takes off what it consumed.</summary>
    public ReadEvent Next(ref ReadOnlySequence<byte> buffer)
    {
        if (_opcode == Opcode.Continuation || _settings.StreamFragments)
        {
            ReleaseAssembly(); // the message handed out last is done with
        }

        if (IsBetweenMessages && buffer.IsSingleSegment && ReadWhole(ref buffer))
        {
            return ReadEvent.Message;
        }

        return NextOfParts(ref buffer);
    }

    /// <summary>
    /// The short way for by far the most messages: one masked frame, uncompressed and whole, at <paramref name="start"/> of what
    /// has arrived in one array. Steps over it; its payload ends where <paramref name="start"/> is then.
    /// </summary>
    /// <remarks>
    /// Spans and plain numbers, since to slice a sequence takes longer than all the rest (LoopEchoBenchmarks).
    /// </remarks>
    /// <returns>False: it is none of those, and <see cref="Next"/> has to look.</returns>
    public bool TryTake(byte[] arrived, ref int start, int end, out MessageKind kind, out int size)
    {
        if (!IsBetweenMessages || !TryReadWhole(arrived.AsSpan(start, end - start), out Opcode opcode, out int headerLength, out size))
        {
            kind = default;
            size = 0;
            return false;
        }

        ReleaseAssembly();
        kind = (MessageKind)opcode;
        start += headerLength + size;
        return true;
    }

    private ReadEvent NextOfParts(ref ReadOnlySequence<byte> buffer)
    {
        while (true)
        {
            ReadEvent? found = _discarding ? DiscardNext(ref buffer)
                : _inFrame ? ContinueFrame(ref buffer)
                : BeginFrame(ref buffer);
            if (found is { } readEvent)
            {
                return readEvent;
            }
        }
    }

    /// <summary>Whether the next byte begins a message, and messages are handed out whole.</summary>
    public bool IsBetweenMessages
        => _opcode == Opcode.Continuation && _checked == 0 && !_inFrame && !_discarding && !_settings.StreamFragments;

    private bool ReadWhole(ref ReadOnlySequence<byte> buffer)
    {
        ReadOnlySpan<byte> bytes = buffer.FirstSpan;
        if (!TryReadWhole(MemoryMarshal.CreateSpan(ref MemoryMarshal.GetReference(bytes), bytes.Length), out Opcode kind, out int headerLength, out int size))
        {
            return false;
        }

        _kind = kind;
        Payload = buffer.Slice(headerLength, size);
        buffer = buffer.Slice(headerLength + size);
        return true;
    }

    // Unmasks and checks the message that begins here. False: nothing was changed, and whatever is the matter is for those who
    // know all cases. Lengths of 64 bits are among them.
    private bool TryReadWhole(Span<byte> bytes, out Opcode kind, out int headerLength, out int size)
    {
        const int FinText = 0x80 | (int)Opcode.Text;
        const int FinBinary = 0x80 | (int)Opcode.Binary;
        kind = default;
        headerLength = size = 0;
        if (bytes.Length < FrameHeader.MaskedLength7 || bytes[0] is not (FinText or FinBinary) || (bytes[1] & 0x80) == 0)
        {
            return false;
        }

        int length = bytes[1] & 0x7F;
        int offset = FrameHeader.MaskedLength7;
        if (length > FrameHeader.MaxLength7)
        {
            if (!FrameHeader.TryRead(bytes, out FrameHeader header) || !header.MinimalLength || header.PayloadLength > InPlaceBytes)
            {
                return false;
            }

            length = (int)header.PayloadLength;
            offset = header.HeaderLength;
        }

        if (length > bytes.Length - offset || length > _settings.MaxMessageBytes)
        {
            return false;
        }

        uint key = MemoryMarshal.Read<uint>(bytes[(offset - sizeof(uint))..]);
        Span<byte> payload = bytes.Slice(offset, length);
        Masking.Apply(payload, key);
        if (bytes[0] == FinText && !Utf8.IsValid(payload))
        {
            Masking.Apply(payload, key); // masked again, for the one who says what is wrong with it
            return false;
        }

        kind = (Opcode)(bytes[0] & 0x0F);
        headerLength = offset;
        size = length;
        return true;
    }

    private ReadEvent Fail(ProtocolFault fault)
    {
        Fault = fault;
        return ReadEvent.Fault;
    }

    private void ReleaseAssembly()
    {
        if (_assembly is { } assembly)
        {
            _assembly = null;
            MessageAssembly.Return(assembly);
        }
    }

    private static uint Unmask(in ReadOnlySequence<byte> bytes, uint key)
    {
        if (bytes.IsSingleSegment)
        {
            return Masking.Apply(Writable(bytes.First), key);
        }

        foreach (ReadOnlyMemory<byte> segment in bytes)
        {
            key = Masking.Apply(Writable(segment), key);
        }

        return key;
    }

    // The pipe's memory is ours until AdvanceTo: nobody else reads it, and it was rented as Memory<byte>.
    private static Span<byte> Writable(ReadOnlyMemory<byte> memory) => MemoryMarshal.AsMemory(memory).Span;
}
