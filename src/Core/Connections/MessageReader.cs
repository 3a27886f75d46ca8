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
internal sealed class MessageReader
{
    /// <summary>
    /// The largest message left in the pipe until it is whole, in bytes. Beyond it the walk over the pipe's 4 KiB segments
    /// at each read costs more than one copy.
    /// </summary>
    public const int InPlaceBytes = 64 * 1024;

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

    private ReadEvent? BeginFrame(ref ReadOnlySequence<byte> buffer)
    {
        if (!FrameHeader.TryRead(buffer, out FrameHeader header))
        {
            return ReadEvent.NeedMore;
        }

        if (FrameRules.Check(header, _opcode != Opcode.Continuation, _deflate is not null) is { } fault)
        {
            return Fail(fault);
        }

        if (header.Opcode >= Opcode.Close)
        {
            return ReadControl(header, ref buffer);
        }

        bool isCompressed = header.Opcode == Opcode.Continuation ? _compressed : header.Rsv != 0;
        if (header.PayloadLength > LimitOnTheWire(isCompressed) - _messageBytes)
        {
            return Fail(_tooBig);
        }

        bool isWhole = header.Fin && header.Opcode != Opcode.Continuation;
        if (isWhole && !isCompressed && !_settings.StreamFragments && header.PayloadLength <= InPlaceBytes)
        {
            return ReadInPlace(header, ref buffer);
        }

        if (header.Opcode != Opcode.Continuation)
        {
            _opcode = header.Opcode;
            _kind = header.Opcode;
            _compressed = isCompressed;
            _pieceHandedOut = false;
        }

        buffer = buffer.Slice(header.HeaderLength);
        _messageBytes += header.PayloadLength;
        _inFrame = true;
        _frameIsLast = header.Fin;
        _frameKey = header.MaskingKey;
        _frameLeft = header.PayloadLength;
        return null;
    }

    // Deflate makes incompressible bytes longer: up to an eighth with the fixed Huffman code, and a few bytes a block.
    // A message within the limit must not be refused for that; what it unfolds to is counted byte by byte.
    private long LimitOnTheWire(bool compressed)
    {
        long limit = _settings.MaxMessageBytes;
        return compressed ? limit + (limit / 8) + 64 : limit;
    }

    private ReadEvent ReadInPlace(in FrameHeader header, ref ReadOnlySequence<byte> buffer)
    {
        int size = (int)header.PayloadLength;
        ReadOnlySequence<byte> arrived = buffer.Slice(header.HeaderLength);
        bool isWhole = arrived.Length >= size;
        if (isWhole)
        {
            arrived = arrived.Slice(0, size);
        }

        if (isWhole || header.Opcode == Opcode.Text)
        {
            ReadOnlySequence<byte> fresh = _checked == 0 ? arrived : arrived.Slice(_checked);
            Unmask(fresh, Masking.Rotate(header.MaskingKey, _checked));
            if (header.Opcode == Opcode.Text && !CheckText(fresh, isWhole))
            {
                return Fail(_notUtf8);
            }

            _checked = (int)arrived.Length;
        }

        if (!isWhole)
        {
            return ReadEvent.NeedMore;
        }

        _checked = 0;
        _kind = header.Opcode;
        Payload = arrived;
        buffer = buffer.Slice(arrived.End);
        return ReadEvent.Message;
    }

    private ReadEvent ReadControl(in FrameHeader header, ref ReadOnlySequence<byte> buffer)
    {
        long size = header.HeaderLength + header.PayloadLength;
        if (buffer.Length < size)
        {
            return ReadEvent.NeedMore;
        }

        Payload = buffer.Slice(header.HeaderLength, header.PayloadLength);
        buffer = buffer.Slice(size);
        Unmask(Payload, header.MaskingKey);
        return header.Opcode switch
        {
            Opcode.Ping => ReadEvent.Ping,
            Opcode.Pong => ReadEvent.Pong,
            _ => ReadClose(),
        };
    }

    private ReadEvent ReadClose()
    {
        HasSeenClose = true;
        Span<byte> payload = stackalloc byte[ClosePayload.MaxLength];
        Payload.CopyTo(payload);
        if (ClosePayload.Read(payload[..(int)Payload.Length], out CloseCode code, out string reason) is { } fault)
        {
            return Fail(fault);
        }

        CloseCode = code;
        CloseReason = reason;
        return ReadEvent.Close;
    }

    // Takes what has arrived of a frame's payload off the pipe. Null: go on with the next frame.
    private ReadEvent? ContinueFrame(ref ReadOnlySequence<byte> buffer)
    {
        long size = Math.Min(_frameLeft, buffer.Length);
        if (size == 0 && _frameLeft > 0)
        {
            return ReadEvent.NeedMore;
        }

        ReadOnlySequence<byte> piece = buffer.Slice(0, size);
        buffer = buffer.Slice(piece.End);
        _frameKey = Unmask(piece, _frameKey);
        _frameLeft -= size;
        bool endsFrame = _frameLeft == 0;
        bool endsMessage = endsFrame && _frameIsLast;
        _inFrame = !endsFrame;
        if (Absorb(piece, endsMessage) is { } fault)
        {
            return Fail(fault);
        }

        if (_settings.StreamFragments)
        {
            return HandOutPiece(piece, endsMessage);
        }

        if (endsMessage)
        {
            EndMessage();
            Payload = _assembly?.AsSequence() ?? ReadOnlySequence<byte>.Empty;
            return ReadEvent.Message;
        }

        return endsFrame ? null : ReadEvent.NeedMore;
    }

    private ReadEvent? HandOutPiece(in ReadOnlySequence<byte> piece, bool endsMessage)
    {
        Payload = !_compressed ? piece : _assembly?.AsSequence() ?? ReadOnlySequence<byte>.Empty;
        if (Payload.IsEmpty && !endsMessage)
        {
            return null;
        }

        IsFirst = !_pieceHandedOut;
        IsLast = endsMessage;
        _pieceHandedOut = true;
        if (endsMessage)
        {
            EndMessage();
        }

        return ReadEvent.Fragment;
    }

    private void EndMessage()
    {
        _opcode = Opcode.Continuation;
        _messageBytes = 0;
        _inflatedBytes = 0;
        if (_inflater is { } inflater)
        {
            bool keepContext = !_deflate!.Value.ClientNoContextTakeover;
            inflater.EndMessage(keepContext);
            if (!keepContext)
            {
                _inflater = null;
                _settings.Zlib!.Return(inflater);
            }
        }
    }

    private ProtocolFault? Absorb(in ReadOnlySequence<byte> piece, bool endsMessage)
    {
        if (_compressed)
        {
            return Inflate(piece, endsMessage);
        }

        if (_opcode == Opcode.Text && !CheckText(piece, endsMessage))
        {
            return _notUtf8;
        }

        if (!_settings.StreamFragments)
        {
            foreach (ReadOnlyMemory<byte> segment in piece)
            {
                (_assembly ??= MessageAssembly.Rent(_settings.Arrays)).Append(segment.Span);
            }
        }

        return null;
    }

    private ProtocolFault? Inflate(in ReadOnlySequence<byte> piece, bool endsMessage)
    {
        _inflater ??= _settings.Zlib!.RentInflater(_deflate!.Value.ClientMaxWindowBits);
        foreach (ReadOnlyMemory<byte> segment in piece)
        {
            if (Inflate(segment.Span) is { } fault)
            {
                return fault;
            }
        }

        if (!endsMessage)
        {
            return null;
        }

        // An empty message sent without even the octet 00 of RFC 7692 7.2.3.6, as a flush with nothing to flush gives it:
        // the tail alone is no block, and what makes up for that would drop a history the sender still refers to.
        if (_messageBytes == 0)
        {
            return null;
        }

        return Inflate(Inflater.MessageTail) ?? (_opcode == Opcode.Text && !_utf8.IsComplete ? _notUtf8 : null);
    }

    // The output is bounded step by step, so a bomb never unfolds further than the limit (RFC 7692 section 8). What came
    // out is judged before what stopped it, byte by byte in order: the fault must not depend on how reads cut the input.
    private ProtocolFault? Inflate(ReadOnlySpan<byte> input)
    {
        MessageAssembly assembly = _assembly ??= MessageAssembly.Rent(_settings.Arrays);
        while (true)
        {
            Span<byte> output = assembly.GetSpan();
            InflateStatus status = _inflater!.Inflate(input, output, out int consumed, out int written);
            int allowed = (int)Math.Min(written, _settings.MaxMessageBytes - _inflatedBytes);
            if (_opcode == Opcode.Text && !_utf8.Append(output[..allowed]))
            {
                return _notUtf8;
            }

            if (allowed < written)
            {
                return _tooBig;
            }

            if (status == InflateStatus.Corrupt)
            {
                return _notDeflate;
            }

            _inflatedBytes += written;
            assembly.Advance(written);
            input = input[consumed..];
            if (input.IsEmpty && written < output.Length)
            {
                return null;
            }
        }
    }

    private bool CheckText(in ReadOnlySequence<byte> piece, bool endsMessage)
    {
        if (piece.IsSingleSegment)
        {
            if (!_utf8.Append(piece.FirstSpan))
            {
                return false;
            }
        }
        else
        {
            foreach (ReadOnlyMemory<byte> segment in piece)
            {
                if (!_utf8.Append(segment.Span))
                {
                    return false;
                }
            }
        }

        return !endsMessage || _utf8.IsComplete;
    }

    private ReadEvent? DiscardNext(ref ReadOnlySequence<byte> buffer)
    {
        if ((_inFrame || _swallowing) && IsJustOneClose(buffer))
        {
            buffer = buffer.Slice(buffer.End);
            return ReadEvent.Close;
        }

        if (_swallowing)
        {
            buffer = buffer.Slice(buffer.End);
            return ReadEvent.NeedMore;
        }

        if (_inFrame)
        {
            long skipped = Math.Min(_frameLeft, buffer.Length);
            buffer = buffer.Slice(skipped);
            _frameLeft -= skipped;
            _inFrame = _frameLeft > 0;
            return _inFrame ? ReadEvent.NeedMore : null;
        }

        if (!FrameHeader.TryRead(buffer, out FrameHeader header))
        {
            return ReadEvent.NeedMore;
        }

        if (header.Opcode == Opcode.Close && header.PayloadLength <= ClosePayload.MaxLength)
        {
            if (buffer.Length < header.HeaderLength + header.PayloadLength)
            {
                return ReadEvent.NeedMore;
            }

            buffer = buffer.Slice(header.HeaderLength + header.PayloadLength);
            return ReadEvent.Close;
        }

        if (header.PayloadLength == long.MaxValue)
        {
            _swallowing = true; // no frame border can be found behind this one
            return null;
        }

        buffer = buffer.Slice(header.HeaderLength);
        _frameLeft = header.PayloadLength;
        _inFrame = _frameLeft > 0;
        return null;
    }

    // A client that is failed in the middle of a frame answers with a Close and never sends the rest, so its Close stands
    // where payload was announced. When what has arrived is one Close frame to the byte, that is what it is; were it
    // payload after all, a connection that is closing anyway would end a little early.
    private static bool IsJustOneClose(in ReadOnlySequence<byte> buffer)
        => FrameHeader.TryRead(buffer, out FrameHeader header)
            && header is { Opcode: Opcode.Close, Fin: true, Rsv: 0, Masked: true, PayloadLength: <= ClosePayload.MaxLength }
            && buffer.Length == header.HeaderLength + header.PayloadLength;

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
