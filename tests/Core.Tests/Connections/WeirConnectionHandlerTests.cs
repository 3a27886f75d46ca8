using System.Buffers;
using Microsoft.Extensions.Logging;
using Weir.Closing;
using Weir.Connections;
using Weir.Protocol;
using Weir.Rooms;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Connections;

public sealed class WeirConnectionHandlerTests
{
    [Theory]
    [InlineData("opened", false)]
    [InlineData("opened", true)]
    [InlineData("message", false)]
    [InlineData("message", true)]
    [InlineData("fragment", false)]
    [InlineData("fragment", true)]
    public async Task Handler_Throws_ClosesWith1011AndLeavesOthersAlone(string where, bool isAsync)
    {
        await using WeirConnectionHarness server = new(options => options.StreamFragments = where == "fragment");
        WeirConnectionClient other = await server.ConnectAsync();
        InvalidOperationException error = new("do not tell the client");
        switch (where)
        {
            case "opened":
                server.Handler.OnOpened = _ => Throw(error, isAsync);
                break;
            case "message":
                server.Handler.OnMessage = (_, _) => Throw(error, isAsync);
                break;
            default:
                server.Handler.OnFragment = (_, _) => Throw(error, isAsync);
                break;
        }

        WeirConnectionClient client = await server.ConnectAsync();
        await client.SendAsync(Frames.Text("one"), Frames.Text("two"));
        ServerFrame close = await client.ReadFrameAsync();
        await client.SendAsync(Frames.Close(1011));
        await client.Finished.Within();

        Assert.Equal((1011, "internal error"), (close.CloseCode, close.CloseReason));
        LogRecord logged = Assert.Single(server.Log.Records, record => record.Level > LogLevel.Debug);
        Assert.Equal("HandlerFailed", logged.EventId.Name);
        Assert.Same(error, logged.Exception);
        Assert.Equal(new WeirClosure(CloseCode.InternalError, "internal error", CloseCause.HandlerFailed),
            Assert.Single(server.Handler.Closures));
        Assert.DoesNotContain(server.Handler.Calls, call => call.Contains("two", StringComparison.Ordinal));

        server.Handler.OnMessage = (connection, _) => Answer(connection);
        server.Handler.OnFragment = (connection, _) => Answer(connection);
        await other.SendAsync(Frames.Text("still there?"));
        Assert.Equal("yes", (await other.ReadFrameAsync()).Text);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Handler_ThrowsAtTheEnd_IsLoggedAndChangesNothing(bool isAsync)
    {
        await using WeirConnectionHarness server = new();
        InvalidOperationException error = new();
        server.Handler.OnClosed = (_, _) => Throw(error, isAsync);
        WeirConnectionClient client = await server.ConnectAsync();

        await client.SendAsync(Frames.Close(1000));

        Assert.Equal(1000, Assert.Single(await client.ReadFramesToEndAsync()).CloseCode);
        await client.Finished.Within();
        Assert.Same(error, Assert.Single(server.Log.Of("HandlerFailed")).Exception);
        Assert.Single(server.Log.Of("ConnectionClosed"));
        Assert.Equal(0, server.Metrics.Sum("weir.connections.active"));
    }

    [Fact]
    public async Task Handler_IsAsync_CallsNeverOverlapAndStayInOrder()
    {
        await using WeirConnectionHarness server = new();
        server.Handler.OnOpened = async _ => await Task.Yield();
        server.Handler.OnMessage = async (connection, message) =>
        {
            byte[] copy = message.Payload.ToArray();
            await Task.Yield();
            Assert.Equal(copy, message.Payload.ToArray()); // valid until the task completes
            connection.Send(copy, message.Kind);
        };
        WeirConnectionClient client = await server.ConnectAsync();
        string[] texts = [.. Enumerable.Range(0, 200).Select(i => $"message {i}")];

        Task sending = Task.Run(async () =>
        {
            foreach (string[] batch in texts.Chunk(7))
            {
                await client.SendAsync([.. batch.Select(text => Frames.Text(text))]);
            }

            await client.SendAsync(Frames.Close());
        });
        IReadOnlyList<ServerFrame> frames = await client.ReadFramesToEndAsync();
        await sending.Within();
        await client.Finished.Within();

        Assert.Equal(texts, frames.SkipLast(1).Select(frame => frame.Text));
        Assert.Equal(["upgrade", "opened", .. texts, "closed"], server.Handler.Calls);
    }

    [Fact]
    public async Task Handler_HasNotOpenedYet_MessagesWait()
    {
        await using WeirConnectionHarness server = new();
        TaskCompletionSource opened = new();
        server.Handler.OnOpened = _ => new ValueTask(opened.Task);
        WeirConnectionClient client = await server.ConnectAsync();
        await client.SendAsync(Frames.Text("early"));
        Assert.Equal(["upgrade", "opened"], server.Handler.Calls);

        opened.SetResult();

        await Bounded.Eventually(() => server.Handler.Calls.Count == 3);
        Assert.Equal("early", server.Handler.Calls[2]);
    }

    [Fact]
    public async Task Handler_Works_ReadingPauses()
    {
        await using WeirConnectionHarness server = new();
        TaskCompletionSource work = new();
        server.Handler.OnMessage = (_, _) => new ValueTask(work.Task);
        WeirConnectionClient client = await server.ConnectAsync(new InMemoryConnectionOptions { InputPauseBytes = 2_000 });
        await client.SendAsync(Frames.Text("busy"));

        Task blocked = client.SendAsync(Frames.Binary(new byte[3_000]));
        Assert.False(blocked.IsCompleted); // only the client's sender is slowed down
        Assert.Equal(["upgrade", "opened", "busy"], server.Handler.Calls);
        work.SetResult();

        await blocked.Within();
        await Bounded.Eventually(() => server.Handler.Calls.Count == 4);
    }

    [Fact]
    public async Task Handler_WorksWhileTheClientDisconnects_IsClosedAfterwards()
    {
        await using WeirConnectionHarness server = new();
        TaskCompletionSource work = new();
        server.Handler.OnMessage = (_, _) => new ValueTask(work.Task);
        WeirConnectionClient client = await server.ConnectAsync();
        await client.SendAsync(Frames.Text("one"), Frames.Text("two"));
        client.Transport.Reset();
        Assert.Equal(["upgrade", "opened", "one"], server.Handler.Calls);

        work.SetResult();

        await client.Finished.Within();
        Assert.Equal("closed", server.Handler.Calls[^1]);
        Assert.Equal(CloseInitiator.Transport, Assert.Single(server.Handler.Closures).Initiator);
    }

    [Fact]
    public async Task Handler_AnswersInOnePass_LeavesInOneFlush()
    {
        await using WeirConnectionHarness server = new();
        server.Handler.OnMessage = (connection, message) => Echo(connection, message);
        WeirConnectionClient client = await server.ConnectAsync(gated: true);
        int before = client.Gate.Flushes.Count;

        await client.SendAsync([.. Enumerable.Range(0, 30).Select(i => Frames.Text($"{i}")), Frames.Ping("p"u8)]);

        Assert.Equal(before + 1, client.Gate.Flushes.Count);
        Assert.Equal(Enumerable.Range(0, 30).Select(i => $"{i}").Append("p"), client.GatedFrames().Select(frame => frame.Text));
    }

    [Fact]
    public async Task Handler_SendsAfterItsAwait_LeavesAtOnce()
    {
        await using WeirConnectionHarness server = new();
        TaskCompletionSource work = new();
        TaskCompletionSource rest = new();
        server.Handler.OnMessage = async (connection, _) =>
        {
            connection.Send("before");
            await work.Task;
            connection.Send("after");
            await rest.Task;
        };
        WeirConnectionClient client = await server.ConnectAsync();

        await client.SendAsync(Frames.Text("one"));

        Assert.Equal("before", (await client.ReadFrameAsync()).Text);
        work.SetResult();
        Assert.Equal("after", (await client.ReadFrameAsync()).Text);
        rest.SetResult();
    }

    [Fact]
    public async Task Client_DoesNotTakeItsAnswers_IsNotReadFrom()
    {
        await using WeirConnectionHarness server = new();
        server.Handler.OnMessage = (connection, message) => Echo(connection, message);
        WeirConnectionClient client = await server.ConnectAsync(
            new InMemoryConnectionOptions { InputPauseBytes = 10_000 }, gated: true);
        client.Gate.Hold();
        List<byte[]> questions = [.. Enumerable.Range(0, 100).Select(i => Frames.Text($"{i}"))];

        await client.SendAsync([.. questions[..50]]);
        Assert.Equal((10 * 3) + (40 * 4), server.Handler.Connection.PendingBytes); // one pass, one flush
        await client.SendAsync([.. questions[50..]]);

        Assert.Equal((10 * 3) + (41 * 4), server.Handler.Connection.PendingBytes); // one answer more, and no further
        Assert.Equal(2 + 51, server.Handler.Calls.Count);
        client.Gate.Release();
        await Bounded.Eventually(() => client.GatedFrames().Count == 100);
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"{i}"), client.GatedFrames().Select(frame => frame.Text));
    }

    [Fact]
    public async Task Rooms_ConnectionEnds_IsLeftBeforeClosed()
    {
        await using WeirConnectionHarness server = new();
        RoomDirectory rooms = new();
        int? membersAtTheEnd = null;
        server.Handler.OnOpened = connection =>
        {
            Assert.NotNull(rooms.Join("a", connection));
            return default;
        };
        server.Handler.OnMessage = (connection, message) =>
        {
            rooms.Publish("a", message.Payload, message.Kind, except: connection);
            return default;
        };
        server.Handler.OnClosed = (connection, _) =>
        {
            membersAtTheEnd = rooms.TryGet("a", out Room? room) ? room.Count : 0;
            Assert.Null(rooms.Join("a", connection));
            return default;
        };
        WeirConnectionClient first = await server.ConnectAsync();
        WeirConnectionClient second = await server.ConnectAsync();
        await first.SendAsync(Frames.Text("hello"), Frames.Text("world"));
        Assert.Equal("hello", (await second.ReadFrameAsync()).Text);
        Assert.Equal("world", (await second.ReadFrameAsync()).Text);

        await first.SendAsync(Frames.Close());
        await first.Finished.Within();
        Assert.Equal(1, membersAtTheEnd);
        second.Transport.Reset();
        await second.Finished.Within();
        Assert.Equal(0, rooms.Count);
        Assert.Empty(server.Log.Of("HandlerFailed"));
    }

    [Fact]
    public async Task Fragments_Streamed_ArriveAsTheyCome()
    {
        await using WeirConnectionHarness server = new(options => options.StreamFragments = true);
        WeirConnectionClient client = await server.ConnectAsync();

        await client.SendAsync(Frames.Text("one", fin: false));
        await client.SendAsync(Frames.Ping(), Frames.Continuation("two"u8, fin: false));
        await client.SendAsync(Frames.Continuation([]), Frames.Text("whole"));

        Assert.Equal(["upgrade", "opened", "[one", "two", "]", "[whole]"], server.Handler.Calls);
        Assert.Equal(2, server.Metrics.Sum("weir.messages.received"));
        Assert.Equal(11, server.Metrics.Sum("weir.payload.received"));
    }

    private static ValueTask Echo(WeirConnection connection, WeirMessage message)
    {
        connection.Send(message.Payload, message.Kind);
        return default;
    }

    private static ValueTask Answer(WeirConnection connection)
    {
        connection.Send("yes");
        return default;
    }

    private static ValueTask Throw(Exception error, bool isAsync)
    {
        return isAsync ? ThrowLaterAsync() : throw error;

        async ValueTask ThrowLaterAsync()
        {
            await Task.Yield();
            throw error;
        }
    }
}
