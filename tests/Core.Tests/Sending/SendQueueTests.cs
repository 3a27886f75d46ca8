using Weir.Protocol;
using Weir.Sending;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Sending;

public sealed class SendQueueTests : IDisposable
{
    private readonly DiagnosticArrayPool _arrays = new();
    private readonly SharedFramesPool _runs;
    private readonly SendQueue _queue = SendQueue.Rent();
    private readonly List<byte> _written = [];

    public SendQueueTests() => _runs = new SharedFramesPool(_arrays);

    public void Dispose()
    {
        _queue.Clear();
        SendQueue.Return(_queue);
        _arrays.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(7)]
    [InlineData(1000)]
    public void Peek_AnyLimit_GivesEveryByteInOrder(int limit)
    {
        Enqueue("one", "two");
        Enqueue("three");
        Assert.Equal(5 + 5 + 7, _queue.Bytes);

        while (!_queue.IsEmpty)
        {
            long before = _queue.Bytes;
            int taken = Write(limit);
            Assert.InRange(taken, 1, limit);
            Assert.Equal(before - taken, _queue.Bytes);
        }

        Assert.Equal(["one", "two", "three"], WrittenTexts());
        Assert.Equal(0, _queue.Bytes);
        Assert.Equal(0, _arrays.Outstanding);
    }

    [Fact]
    public void Enqueue_PartOfARun_GivesThatPart()
    {
        SharedFrames run = Run("one", "two", "three");
        _queue.Enqueue(run, run.EndOf(0), run.EndOf(1), tick: 0);
        run.Release();

        Assert.Equal(5, _queue.Bytes);
        Write(limit: 100);
        Assert.Equal(["two"], WrittenTexts());
        Assert.Equal(0, _arrays.Outstanding);
    }

    [Fact]
    public void SetPong_OneWaits_ReplacesIt()
    {
        Enqueue("message");
        SetPong("old");
        SetPong("new");

        Assert.Equal(2, _arrays.Outstanding); // the old one went back at once
        WriteAll();
        Assert.Equal(["new", "message"], WrittenTexts());
    }

    [Fact]
    public void SetPong_MessageHalfWritten_ComesBehindIt()
    {
        Enqueue("one");
        Enqueue("two");
        Write(limit: 3);
        SetPong("pong");

        WriteAll();
        Assert.Equal(["one", "pong", "two"], WrittenTexts());
    }

    [Fact]
    public void SetPong_Alone_IsNotCountedButMakesTheQueueNotEmpty()
    {
        SetPong("pong");

        Assert.Equal(0, _queue.Bytes);
        Assert.False(_queue.IsEmpty);
        WriteAll();
        Assert.Equal(["pong"], WrittenTexts());
    }

    [Fact]
    public void Peek_PongAtTheLimit_ComesWhole()
    {
        // Half a Pong could neither be dropped nor replaced by the answer to a later Ping.
        Enqueue("one");
        SetPong("pong");

        Assert.Equal(6, Write(limit: 1));
        SetPong("next");
        WriteAll();
        Assert.Equal(["pong", "next", "one"], WrittenTexts());
    }

    [Fact]
    public void DropUnstarted_NothingWritten_DropsAll()
    {
        Enqueue("one", "two");
        Enqueue("three");
        SetPong("pong");

        _queue.DropUnstarted();

        Assert.True(_queue.IsEmpty);
        Assert.Equal(0, _queue.Bytes);
        Assert.Equal(0, _arrays.Outstanding);
    }

    [Theory]
    [InlineData(1, 4)]
    [InlineData(4, 1)]
    [InlineData(5, 0)] // a border: nothing is half written
    [InlineData(6, 4)]
    [InlineData(9, 1)]
    [InlineData(10, 0)]
    [InlineData(11, 6)]
    public void DropUnstarted_InsideARun_KeepsTheRestOfOneMessage(int written, int kept)
    {
        Enqueue("one", "two", "three");
        Enqueue("four");
        Write(written);
        SetPong("pong");

        _queue.DropUnstarted();

        Assert.Equal(kept, _queue.Bytes);
        Assert.Equal(kept == 0, _queue.IsEmpty);
        Assert.Equal(kept == 0 ? 0 : 1, _arrays.Outstanding);
        Enqueue("end");
        WriteAll();
        string[] started = ["one", "two", "three"];
        int whole = written <= 5 ? 1 : written <= 10 ? 2 : 3;
        Assert.Equal([.. started[..whole], "end"], WrittenTexts());
    }

    [Fact]
    public void Rent_AfterReturn_IsEmpty()
    {
        SendQueue queue = SendQueue.Rent();
        SharedFrames run = Run("one");
        queue.Enqueue(run, 0, run.Length, tick: 0);
        run.Release();
        queue.Advance(2);
        queue.Clear();
        SendQueue.Return(queue);

        SendQueue next = SendQueue.Rent();
        Assert.True(next.IsEmpty);
        Assert.Equal(0, next.Bytes);
        SendQueue.Return(next);
    }

    private SharedFrames Run(params ReadOnlySpan<string> texts)
    {
        SharedFrames run = _runs.Rent(64);
        foreach (string text in texts)
        {
            run.Append(Opcode.Text, System.Text.Encoding.UTF8.GetBytes(text));
        }

        return run;
    }

    private void Enqueue(params ReadOnlySpan<string> texts)
    {
        SharedFrames run = Run(texts);
        _queue.Enqueue(run, 0, run.Length, tick: 0);
        run.Release();
    }

    private void SetPong(string text)
    {
        SharedFrames pong = _runs.Rent(64);
        pong.Append(Opcode.Pong, System.Text.Encoding.UTF8.GetBytes(text));
        _queue.SetPong(pong);
    }

    private int Write(int limit)
    {
        ReadOnlySpan<byte> piece = _queue.Peek(limit);
        int taken = piece.Length;
        _written.AddRange(piece);
        _queue.Advance(taken);
        return taken;
    }

    private void WriteAll()
    {
        while (!_queue.IsEmpty)
        {
            Write(limit: 4);
        }
    }

    private string[] WrittenTexts() => [.. Frames.ParseAll(_written.ToArray()).Select(frame => frame.Text)];
}
