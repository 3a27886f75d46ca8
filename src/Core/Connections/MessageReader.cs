using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Unicode;
using Weir.Protocol;
using Weir.Protocol.Compression;

namespace Weir.Connections;

/// <summary>The result of <see cref="MessageReader.Next"/>.</summary>
internal enum ReadEvent
{
    /// <summary>No further event in these bytes; the rest of the buffer has been examined.</summary>
    NeedMore,

    /// <summary>A whole data message.</summary>
    Message,

    /// <summary>A fragment of a data message, if fragments are requested.</summary>
    Fragment,

    Ping,

    Pong,

    Close,

    /// <summary>The client broke a rule, given by <see cref="MessageReader.Fault"/>.</summary>
    Fault,
}

/// <summary>
/// Turns received bytes into messages: RFC 6455 section 5 and, where negotiated, RFC 7692. A pull parser without I/O: it is given
/// the bytes in the pipe and slices off the consumed part.
/// </summary>
/// <remarks>
/// <para>A message in one frame of up to <see cref="InPlaceBytes"/> is never copied: it is unmasked in the transport's buffer and
/// handed out as a slice. While incomplete it stays in the pipe, header included; of text the received part is unmasked and
/// checked, and <see cref="_checked"/> records how far, so that no byte is unmasked twice.</para>
/// <para>Larger frames, fragments and compressed messages are moved out of the pipe as they arrive, into a <see
/// cref="MessageAssembly"/> or an inflater. An idle connection holds neither.</para>
/// <para>The buffer must be writable memory, as that of pipes is. Payloads handed out are valid until the next call.</para>
/// <para>Between messages there is no state to keep, so an idle connection has no reader: each thread keeps one, which <see
/// cref="Borrow"/> lends to a connection that has received data and <see cref="TryGiveBack"/> takes back.</para>
/// </remarks>
internal sealed partial class MessageReader
{
    /// <summary>
    /// The largest message left in the pipe until it is whole, in bytes. Beyond it, iterating over the pipe's 4 KiB segments at
    /// each read costs more than one copy.
    /// </summary>
    public const int InPlaceBytes = 64 * 1024;

    /// <summary>
    /// A message may be split into this many frames of any size before a limit on messages counts its frames. Enough for a client
    /// that flushes a few pieces as they are produced.
    /// </summary>
    internal const int FreeFrames = 16;

    /// <summary>
    /// Beyond <see cref="FreeFrames"/>, the average payload in bytes at which a frame is not counted. Libraries split large
    /// messages into pieces of 1 KiB and more.
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

    // The message in progress; _opcode is Continuation (0) if there is none.
    private Opcode _opcode;
    private Opcode _kind;
    private bool _compressed;
    private bool _pieceHandedOut;
    private long _messageBytes;
    private long _inflatedBytes;
    private int _frames;
    private int _smallFrames;

    // The frame in progress, once its header has been consumed from the pipe.
    private bool _inFrame;
    private bool _frameIsLast;
    private uint _frameKey;
    private long _frameLeft;

    // How much of the payload of a text frame still in the pipe has been unmasked and checked.
    private int _checked;
    private bool _discarding;
    private bool _swallowing;

    public MessageReader(ReadSettings settings, DeflateParameters? deflate)
    {
        _settings = settings;
        _deflate = deflate;
    }

    /// <summary>Returns a reader between messages, without compression, for exclusive use.</summary>
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
    /// Keeps the reader for the thread's next connection. Returns false if it holds state: then it stays with its connection.
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

    /// <summary>The payload of the message, fragment, Ping or Pong just returned.</summary>
    public ReadOnlySequence<byte> Payload { get; private set; }

    /// <summary>The kind of the message just returned.</summary>
    public MessageKind Kind => (MessageKind)_kind;

    /// <summary>Whether the fragment just returned begins its message.</summary>
    public bool IsFirst { get; private set; }

    /// <summary>Whether the fragment just returned ends its message.</summary>
    public bool IsLast { get; private set; }

    /// <summary>The code of the close frame just returned.</summary>
    public CloseCode CloseCode { get; private set; }

    /// <summary>The reason of the close frame just returned.</summary>
    public string CloseReason { get; private set; } = "";

    /// <summary>The rule that was broken.</summary>
    public ProtocolFault? Fault { get; private set; }

    public bool IsDiscarding => _discarding;

    /// <summary>Whether a close frame has arrived, valid or not.</summary>
    public bool HasSeenClose { get; private set; }

    /// <summary>
    /// From now on only a Close is recognized: all else is skipped without being unmasked, checked or kept, for a connection that
    /// has sent its close frame (RFC 6455 section 7.1.2).
    /// </summary>
    public void Discard()
    {
        _discarding = true;
        Release();
    }

    /// <summary>Returns all rented memory. The reader can still discard.</summary>
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
    /// Returns the number of unneeded frames since the last call: those beyond <see cref="FreeFrames"/> per message and one for
    /// each <see cref="FairFrameBytes"/> of its payload as received. They cost the server as much as messages do.
    /// </summary>
    public int TakeSmallFrames()
    {
        int count = _smallFrames;
        _smallFrames = 0;
        return count;
    }

    /// <summary>Finds the next event in <paramref name="buffer"/> and slices off the consumed bytes.</summary>
    public ReadEvent Next(ref ReadOnlySequence<byte> buffer)
    {
        if (_opcode == Opcode.Continuation || _settings.StreamFragments)
        {
            ReleaseAssembly(); // the handler has finished with the last message
        }

        if (IsBetweenMessages && buffer.IsSingleSegment && ReadWhole(ref buffer))
        {
            return ReadEvent.Message;
        }

        return NextOfParts(ref buffer);
    }

    /// <summary>
    /// The fast path for most messages: one masked frame, uncompressed and whole, at <paramref name="start"/> of the bytes received
    /// in one array. Advances <paramref name="start"/> to the end of its payload.
    /// </summary>
    /// <remarks>
    /// Spans and plain numbers, since slicing a sequence takes longer than all the rest (LoopEchoBenchmarks).
    /// </remarks>
    /// <returns>False if it is not such a message; the caller then uses <see cref="Next"/>.</returns>
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
        if (!TryReadWhole(
                MemoryMarshal.CreateSpan(ref MemoryMarshal.GetReference(bytes), bytes.Length),
                out Opcode kind, out int headerLength, out int size))
        {
            return false;
        }

        _kind = kind;
        Payload = buffer.Slice(headerLength, size);
        buffer = buffer.Slice(headerLength + size);
        return true;
    }

    // Unmasks and checks the message that begins here. Returns false with the bytes unchanged if the general path has to handle it,
    // as for 64-bit lengths.
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
            Masking.Apply(payload, key); // masked again, for the general path that reports the fault
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

    // The pipe's memory is exclusively the reader's until AdvanceTo, and it was rented as Memory<byte>.
    private static Span<byte> Writable(ReadOnlyMemory<byte> memory) => MemoryMarshal.AsMemory(memory).Span;
}
