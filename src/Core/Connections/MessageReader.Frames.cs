using System.Buffers;
using Weir.Protocol;
using Weir.Protocol.Compression;

namespace Weir.Connections;

// Frame by frame: everything except one whole, masked, uncompressed message in contiguous memory.
internal sealed partial class MessageReader
{
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
            _frames = 0;
        }

        buffer = buffer.Slice(header.HeaderLength);
        _messageBytes += header.PayloadLength;
        if (++_frames > FreeFrames + (_messageBytes / FairFrameBytes))
        {
            _smallFrames++;
        }

        _inFrame = true;
        _frameIsLast = header.Fin;
        _frameKey = header.MaskingKey;
        _frameLeft = header.PayloadLength;
        return null;
    }

    // Deflate makes incompressible bytes longer: up to an eighth with the fixed Huffman code, and a few bytes per block. A message
    // within the limit must not be refused for that; its decompressed bytes are counted one by one.
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

    // Consumes the received part of a frame's payload from the pipe. Null: continue with the next frame.
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

        // An empty message sent without even the octet 00 of RFC 7692 7.2.3.6, as produced by a flush without data: the tail alone
        // is not a block, and the workaround would drop a history that the sender still refers to.
        if (_messageBytes == 0)
        {
            return null;
        }

        return Inflate(Inflater.MessageTail) ?? (_opcode == Opcode.Text && !_utf8.IsComplete ? _notUtf8 : null);
    }

    // The output is bounded step by step, so a bomb never inflates beyond the limit (RFC 7692 section 8). Output is checked before
    // the error that stopped it, byte by byte in order: the fault must not depend on how reads split the input.
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
            _swallowing = true; // no later frame boundary can be found
            return null;
        }

        buffer = buffer.Slice(header.HeaderLength);
        _frameLeft = header.PayloadLength;
        _inFrame = _frameLeft > 0;
        return null;
    }

    // A client that is failed in the middle of a frame answers with a Close and never sends the rest, so its Close arrives where
    // payload was announced. If the received bytes are exactly one Close frame, they are treated as such; if they were payload
    // after all, a closing connection ends a little early.
    private static bool IsJustOneClose(in ReadOnlySequence<byte> buffer)
        => FrameHeader.TryRead(buffer, out FrameHeader header)
            && header is { Opcode: Opcode.Close, Fin: true, Rsv: 0, Masked: true, PayloadLength: <= ClosePayload.MaxLength }
            && buffer.Length == header.HeaderLength + header.PayloadLength;
}
