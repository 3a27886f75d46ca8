using System.Buffers;
using System.Runtime.InteropServices;
using Weir.Connections;
using Weir.Testing;
using Weir.TestSupport;
using Weir.TestSupport.MessageReading;
using Xunit;

namespace Weir.Core.Tests.Connections;

/// <summary>Where a message lies while it arrives and when it is handed out.</summary>
public class MessageReaderInPlaceTests
{
    private static readonly byte[] _example = [.. Enumerable.Range(0, 100).Select(i => (byte)('a' + (i % 26)))];

    [Theory]
    [InlineData(MessageReader.InPlaceBytes - 1, true)]
    [InlineData(MessageReader.InPlaceBytes, true)]
    [InlineData(MessageReader.InPlaceBytes + 1, false)]
    public void Next_MessageInOneFrame_StaysInThePipeUpToTheBoundary(int size, bool inPlace)
    {
        byte[] payload = [.. Enumerable.Range(0, size).Select(i => (byte)('a' + (i % 26)))];
        MessageReaderDelivery[] deliveries =
        [
            MessageReaderDelivery.Whole,
            MessageReaderDelivery.ByteByByte(size + 14),
            new("in 4 KiB", [.. Enumerable.Range(1, size / 4096).Select(i => i * 4096)],
                [.. Enumerable.Range(1, size / 4096).Select(i => i * 4096)]),
            new("last byte alone", [size + 13], []),
        ];
        foreach (int opcode in new[] { 0x1, 0x2 })
        {
            // The ping behind it is part of the rest of the buffer, which must come through as it was.
            byte[] stream = [.. Frames.Client(opcode, payload), .. Frames.Ping([0x07])];
            foreach (MessageReaderDelivery delivery in deliveries)
            {
                using MessageReaderPools pools = new();
                MessageReaderTranscript transcript = MessageReaderDriver.Play(new(), pools, stream, delivery);
                Assert.Equal(2, transcript.Events.Count);
                Assert.Equal(payload, transcript.Events[0].Payload);
                Assert.Equal([0x07], transcript.Events[1].Payload);
                Assert.True(inPlace == (pools.Arrays.Rents == 0), $"{pools.Arrays.Rents} rents, {delivery.How}");
            }
        }
    }

    [Fact]
    public void Next_WholeMessage_IsASliceOfTheBuffer()
    {
        byte[] memory = [.. Frames.Binary(_example), .. Frames.Binary([1, 2, 3])];
        int second = memory.Length - 9;
        byte[] before = memory[second..];
        ReadOnlySequence<byte> buffer = new(memory);
        using MessageReaderPools pools = new();
        MessageReader reader = new MessageReaderSetup().CreateReader(pools);

        Assert.Equal(ReadEvent.Message, reader.Next(ref buffer));

        Assert.True(MemoryMarshal.TryGetArray(reader.Payload.First, out ArraySegment<byte> slice));
        Assert.Same(memory, slice.Array);
        Assert.Equal(6, slice.Offset);
        Assert.Equal(_example, reader.Payload.ToArray());
        Assert.Equal(before, memory[second..]);
        Assert.Equal(before.Length, buffer.Length);
    }

    [Theory]
    [InlineData(0x2)]
    [InlineData(0x1)]
    public void Next_Incomplete_TakesNothingOffTheBuffer(int opcode)
    {
        byte[] memory = Frames.Client(opcode, _example);
        byte[] sent = [.. memory];
        using MessageReaderPools pools = new();
        MessageReader reader = new MessageReaderSetup().CreateReader(pools);
        for (int arrived = 0; arrived < memory.Length; arrived++)
        {
            ReadOnlySequence<byte> buffer = new(memory, 0, arrived);
            Assert.Equal(ReadEvent.NeedMore, reader.Next(ref buffer));
            Assert.Equal(arrived, buffer.Length);

            // Of text, what is there is unmasked and checked; the header stays, and so does what is yet to come.
            int unmasked = opcode == 0x1 ? Math.Max(6, arrived) : 6;
            Assert.Equal(sent[..6], memory[..6]);
            Assert.Equal(_example.AsSpan(0, unmasked - 6), memory.AsSpan(6, unmasked - 6));
            Assert.Equal(sent[unmasked..], memory[unmasked..]);
        }

        ReadOnlySequence<byte> whole = new(memory);
        Assert.Equal(ReadEvent.Message, reader.Next(ref whole));
        Assert.Equal(_example, reader.Payload.ToArray());
        Assert.True(whole.IsEmpty);
    }

    [Fact]
    public void Next_AfterAnAssembledMessage_GivesItsArraysBack()
    {
        byte[] stream = [.. Frames.Binary(_example, fin: false), .. Frames.Continuation(_example), .. Frames.Ping()];
        ReadOnlySequence<byte> buffer = new(stream);
        using MessageReaderPools pools = new();
        MessageReader reader = new MessageReaderSetup().CreateReader(pools);

        Assert.Equal(ReadEvent.Message, reader.Next(ref buffer));
        Assert.Equal(1, pools.Arrays.Outstanding);
        Assert.Equal((byte[])[.. _example, .. _example], reader.Payload.ToArray());
        Assert.Equal(ReadEvent.Ping, reader.Next(ref buffer));
        Assert.Equal(0, pools.Arrays.Outstanding);
        Assert.Equal(ReadEvent.NeedMore, reader.Next(ref buffer));
    }

    [Fact]
    public void Next_PingBetweenFragments_KeepsWhatIsAssembled()
    {
        byte[] stream = [.. Frames.Binary(_example, fin: false), .. Frames.Ping([1]), .. Frames.Continuation(_example)];
        ReadOnlySequence<byte> buffer = new(stream);
        using MessageReaderPools pools = new();
        MessageReader reader = new MessageReaderSetup().CreateReader(pools);
        Assert.Equal(ReadEvent.Ping, reader.Next(ref buffer));
        Assert.Equal([1], reader.Payload.ToArray());
        Assert.Equal(1, pools.Arrays.Outstanding);
        Assert.Equal(ReadEvent.Message, reader.Next(ref buffer));
        Assert.Equal((byte[])[.. _example, .. _example], reader.Payload.ToArray());
        reader.Release();
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    public void Next_IdleAfterCompressedMessages_KeepsAnInflaterOnlyForItsHistory(bool takeover, int kept)
    {
        using MessageReaderPools pools = new();
        MessageReaderSetup setup = new(Deflate: takeover ? MessageReaderSetup.Takeover : MessageReaderSetup.NoTakeover);
        MessageReader reader = setup.CreateReader(pools);
        byte[] hello = Frames.Client(0x1, Frames.Hex("F248CDC9C90700"), rsv: 4);
        ReadOnlySequence<byte> buffer = new([.. hello, .. hello]);
        Assert.Equal(ReadEvent.Message, reader.Next(ref buffer));
        Assert.Equal(ReadEvent.Message, reader.Next(ref buffer));
        Assert.Equal(ReadEvent.NeedMore, reader.Next(ref buffer));

        Assert.Equal(0, pools.Arrays.Outstanding);
        Assert.Equal(kept, pools.Zlib.LiveStates - pools.Zlib.IdleStates);
        reader.Release();
        pools.AssertAllReturned();
    }

    [Fact]
    public void Next_MessagesInPlace_AllocateNothing()
    {
        byte[] sent = [.. Frames.Client(0x1, _example), .. Frames.Ping([1]), .. Frames.Client(0x2, _example)];
        byte[] memory = new byte[sent.Length];
        using MessageReaderPools pools = new();
        MessageReader reader = new MessageReaderSetup().CreateReader(pools);
        int events = 0;
        long allocated = Allocations.LeastOf(() =>
        {
            events = 0;
            for (int i = 0; i < 1_000; i++)
            {
                sent.CopyTo(memory, 0);
                ReadOnlySequence<byte> buffer = new(memory);
                while (reader.Next(ref buffer) != ReadEvent.NeedMore)
                {
                    events++;
                }
            }
        });

        Assert.Equal(0, allocated);
        Assert.Equal(3_000, events);
    }
}
