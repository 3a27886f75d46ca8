using System.Buffers;
using System.Text;
using Weir.Protocol;
using Weir.Sending;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Sending;

public sealed class SendScopeTests
{
    [Fact]
    public void Send_InScope_LeavesInOneFlushAtTheEnd()
    {
        using TestSender owner = new();
        using TestSender other = new();
        SendScope scope = SendScope.Enter(owner.Sender);
        Assert.Same(scope, SendScope.Current);

        for (int i = 0; i < 10; i++)
        {
            Assert.Equal(SendResult.Sent, owner.Send($"{i}"));
            Assert.Equal(SendResult.Sent, other.Send($"{i}"));
            owner.SendPong("pong");
        }

        other.Sender.SendPing();
        Assert.Empty(owner.Gate.Flushes);
        Assert.Empty(other.Gate.Flushes);
        scope.Exit();

        Assert.Null(SendScope.Current);
        Assert.Equal([new((10 * 3) + (10 * 6), false)], owner.Gate.Flushes);
        Assert.Equal([new((10 * 3) + 2, false)], other.Gate.Flushes);
        Assert.Equal(0, owner.Arrays.Rents);
    }

    [Fact]
    public void Send_MoreThanAChunkInScope_FlushesInBetween()
    {
        const int Size = 10_000;
        using TestSender sender = new();
        SendScope scope = SendScope.Enter(sender.Sender);

        for (int i = 0; i < 9; i++)
        {
            sender.Send(SharedFramesTests.Payload(Size));
        }

        Assert.Equal([4 * (Size + 4), 4 * (Size + 4)], sender.Gate.Flushes.Select(flush => flush.Bytes));
        scope.Exit();
        Assert.Equal([4 * (Size + 4), 4 * (Size + 4), Size + 4], sender.Gate.Flushes.Select(flush => flush.Bytes));
    }

    [Fact]
    public void SendClose_InScope_TakesEverythingAlong()
    {
        using TestSender sender = new();
        SendScope scope = SendScope.Enter(sender.Sender);
        sender.Send("before");
        sender.Sender.SendClose(CloseCode.Normal, "");

        Assert.Single(sender.Gate.Flushes);
        scope.Exit();
        Assert.Single(sender.Gate.Flushes);
        Assert.Equal([0x1, 0x8], sender.Sent.Select(frame => frame.Opcode));
    }

    [Fact]
    public void Exit_ManyConnections_FlushesEach()
    {
        TestSender owner = new();
        TestSender[] members = [.. Enumerable.Range(0, 100).Select(_ => new TestSender(sharing: owner))];
        SendScope scope = SendScope.Enter(owner.Sender);
        foreach (TestSender member in members)
        {
            member.Send("one");
            member.Send("two");
        }

        scope.Exit();

        Assert.All(members, member => Assert.Single(member.Gate.Flushes));
        Array.ForEach(members, member => member.Dispose());
        owner.Dispose();
    }

    [Fact]
    public void Exit_EndedInScope_DoesNotFlush()
    {
        using TestSender sender = new();
        SendScope scope = SendScope.Enter(sender.Sender);
        sender.Send("lost");
        sender.Sender.End();
        scope.Exit();

        Assert.Empty(sender.Gate.Flushes);
    }

    [Fact]
    public async Task Send_TwoScopesAtOnce_LeavesWithTheOneThatEndsFirst()
    {
        // A message is flushed at the latest when the handler that sent it returns, whatever other flushes are deferred.
        using TestSender sender = new();
        using TestSender slow = new();
        using TestSender quick = new();
        SendScope slowScope = SendScope.Enter(slow.Sender);
        sender.Send("slow");

        Thread thread = new(() =>
        {
            SendScope scope = SendScope.Enter(quick.Sender);
            sender.Send("quick");
            scope.Exit();
        });
        thread.Start();
        Assert.True(thread.Join(Bounded.DefaultLimit));

        Assert.Equal(["slow", "quick"], sender.Texts);
        slowScope.Exit();
        Assert.Single(sender.Gate.Flushes);
        await sender.Sender.DrainAsync().Within();
    }

    [Fact]
    public void Publish_InScope_IsWalkedOnceAtTheEnd()
    {
        using TestSender owner = new();
        RecordingTarget room = new();
        SendScope scope = SendScope.Enter(owner.Sender);
        for (int i = 0; i < 30; i++)
        {
            Publish(scope, room, $"{i}", owner);
        }

        Assert.Empty(room.Walks);
        scope.Exit();

        Assert.Equal([string.Join(',', Enumerable.Range(0, 30))], room.Walks);
        Assert.Equal(1, owner.Arrays.Rents);
        Assert.Equal(0, owner.Arrays.Outstanding);
    }

    [Fact]
    public void Publish_RunIsFull_IsWalkedInBetween()
    {
        using TestSender owner = new();
        RecordingTarget room = new();
        SendScope scope = SendScope.Enter(owner.Sender);
        string text = new('x', 5_000);
        for (int i = 0; i < 7; i++)
        {
            Publish(scope, room, text, owner);
        }

        Publish(scope, room, new string('y', 100_000), owner);
        Publish(scope, room, "last", owner);
        scope.Exit();

        Assert.Equal([3, 3, 1, 1, 1], room.Walks.Select(walk => walk.Split(',').Length));
        Assert.Equal(0, owner.Arrays.Outstanding);
    }

    [Fact]
    public void Publish_AnotherRoomOrException_WalksTheOneBefore()
    {
        using TestSender owner = new();
        List<string> log = [];
        RecordingTarget a = new("a", log);
        RecordingTarget b = new("b", log);
        SendScope scope = SendScope.Enter(owner.Sender);
        Publish(scope, a, "1", owner);
        Publish(scope, a, "2", owner);
        Publish(scope, b, "3", owner);
        Publish(scope, a, "4", owner);
        Publish(scope, a, "5", owner, except: owner);
        Publish(scope, a, "6", owner, except: owner);
        scope.Exit();

        Assert.Equal(["a:1,2", "b:3", "a:4", "a:5,6"], log);
        Assert.Equal([null, null, owner], a.Exceptions);
    }

    [Fact]
    public void Send_AfterPublish_DoesNotOvertake()
    {
        using TestSender owner = new();
        SenderTarget room = new(owner.Sender);
        SendScope scope = SendScope.Enter(owner.Sender);
        Publish(scope, room, "1", owner);
        owner.Send("2");
        Publish(scope, room, "3", owner);
        owner.Sender.SendClose(CloseCode.Normal, "");
        Publish(scope, room, "late", owner);
        scope.Exit();

        Assert.Equal(["1", "2", "3"], owner.Texts.SkipLast(1));
        Assert.True(owner.Sent[^1].IsClose);
        Assert.Equal(0, owner.Arrays.Outstanding);
    }

    [Fact]
    public void Enter_InsideAnother_IsAScopeOfItsOwn()
    {
        using TestSender outer = new();
        using TestSender inner = new();
        RecordingTarget outerRoom = new();
        RecordingTarget innerRoom = new();
        SendScope first = SendScope.Enter(outer.Sender);
        outer.Send("outer");
        Publish(first, outerRoom, "outer", outer);

        SendScope second = SendScope.Enter(inner.Sender);
        Assert.NotSame(first, second);
        Assert.Same(second, SendScope.Current);
        inner.Send("inner");
        Publish(second, innerRoom, "inner", inner);
        second.Exit();

        Assert.Same(first, SendScope.Current);
        Assert.Single(inner.Gate.Flushes);
        Assert.Equal(["inner"], innerRoom.Walks);
        Assert.Empty(outer.Gate.Flushes);
        Assert.Empty(outerRoom.Walks);
        first.Exit();
        Assert.Null(SendScope.Current);
        Assert.Single(outer.Gate.Flushes);
        Assert.Equal(["outer"], outerRoom.Walks);
        SendScope third = SendScope.Enter(inner.Sender);
        Assert.Same(third, SendScope.Current);
        third.Exit();
        Assert.Null(SendScope.Current);
    }

    [Fact]
    public void Exit_FlushRunsCodeThatSendsAndPublishes_LeavesNothingBehind()
    {
        // With an inline scheduler the pipe's reader runs inside the flush.
        using TestSender pools = new();
        RecordingTarget room = new();
        ScriptedWriter writer = new();
        ConnectionSender inline = new(writer, RecordingOwner.Settings(pools.Runs), new RecordingOwner(), deflate: null);
        SendScope scope = SendScope.Enter(pools.Sender);
        writer.OnFlush = () =>
        {
            writer.OnFlush = static () => default;
            pools.Send("sent meanwhile");
            Publish(SendScope.Current!, room, "published meanwhile", pools);
            return default;
        };
        inline.Send(Opcode.Text, new ReadOnlySequence<byte>("x"u8.ToArray()));
        scope.Exit();

        Assert.Equal(["sent meanwhile"], pools.Texts);
        Assert.Equal(["published meanwhile"], room.Walks);
        Assert.Null(SendScope.Current);
        Assert.Equal(0, pools.Arrays.Outstanding);
    }

    [Fact]
    public async Task OwnerMustWait_OwnTransportBusyWithOwnAnswers_IsTrue()
    {
        using TestSender owner = new();
        using TestSender other = new();
        owner.Stall();
        other.Stall();
        SendScope scope = SendScope.Enter(owner.Sender);
        Assert.False(scope.OwnerMustWait); // busy, but not with a send of this pass
        other.Send("to another, who is slow");
        Assert.False(scope.OwnerMustWait);

        owner.Send("answer");
        Assert.True(scope.OwnerMustWait);
        await owner.ReleaseAndDrainAsync();
        Assert.False(scope.OwnerMustWait);
        scope.Exit();

        scope = SendScope.Enter(owner.Sender);
        Assert.False(scope.OwnerMustWait);
        scope.Exit();
        await other.ReleaseAndDrainAsync();
    }

    private static void Publish(SendScope scope, IPublicationTarget target, string text, TestSender pools, object? except = null)
        => scope.Publish(target, except, Opcode.Text, new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(text)), key: null, pools.Runs);

    private sealed class RecordingTarget(string name = "", List<string>? log = null) : IPublicationTarget
    {
        public List<string> Walks { get; } = [];

        public List<object?> Exceptions { get; } = [];

        public void Deliver(SharedFrames run, object? except, string? key, IMessageCopies? copies)
        {
            string texts = string.Join(',', Frames.ParseAll(run.Bytes).Select(frame => frame.Text));
            Walks.Add(texts);
            Exceptions.Add(except);
            log?.Add($"{name}:{texts}");
        }
    }

    private sealed class SenderTarget(ConnectionSender sender) : IPublicationTarget
    {
        public void Deliver(SharedFrames run, object? except, string? key, IMessageCopies? copies) => sender.Send(run, key);
    }
}
