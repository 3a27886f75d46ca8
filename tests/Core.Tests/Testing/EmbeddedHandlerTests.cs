using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Weir.Connections;
using Weir.Testing;
using Xunit;

namespace Weir.Core.Tests.Testing;

/// <summary>Tests of a handler as those of an embedding application: the example of Weir.Testing's readme, and its clock.</summary>
public sealed class EmbeddedHandlerTests
{
    [Fact]
    public async Task Handler_OverAConnectionInMemory_AnswersAndReturnsItsMemory()
    {
        DiagnosticMemoryPool pool = new();
        await using ServiceProvider services = new ServiceCollection().AddLogging().BuildServiceProvider();
        ConnectionDelegate server = new ConnectionBuilder(services).UseWeir("/chat", new Echo()).Build();
        InMemoryConnection connection = new(new() { Pool = pool });
        Task serving = server(connection);

        await connection.ClientEnd.Output.WriteAsync(Frames.UpgradeRequest("/chat"));
        RawResponse response = await connection.ClientEnd.Input.ReadHeadAsync();
        await connection.ClientEnd.Output.WriteAsync(Frames.Client(0x1, "hello"u8));
        ServerFrame answer = await connection.ClientEnd.Input.ReadFrameAsync();

        await connection.ClientEnd.Output.WriteAsync(Frames.Close(1000));
        await serving.Within();
        await connection.DisposeAsync();
        pool.AssertClean();
        Assert.Equal(101, response.Status);
        Assert.Equal(["s3pPLMBiTxaQ9kYGzzhZRbK+xOo="], response.Header("Sec-WebSocket-Accept")); // RFC 6455 section 1.3
        Assert.Equal("hello", answer.Text);
    }

    // In one leap the same time would be a pause of the process, for which the client is not aborted.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Time_InSteps_EndsASilentClient_AndInOneLeapDoesNot(bool inSteps)
    {
        FakeTimeProvider time = new();
        await using ServiceProvider services =
            new ServiceCollection().AddLogging().AddSingleton<TimeProvider>(time).BuildServiceProvider();
        ConnectionDelegate server = new ConnectionBuilder(services).UseWeir("/chat", new Echo()).Build();
        await using InMemoryConnection connection = new();
        Task serving = server(connection);
        await connection.ClientEnd.Output.WriteAsync(Frames.UpgradeRequest("/chat"));
        await connection.ClientEnd.Input.ReadHeadAsync();
        TimeSpan minute = TimeSpan.FromMinutes(1); // more than interval and timeout of the heartbeat, 40 s

        if (inSteps)
        {
            time.Pass(minute);
            await serving.Within();
        }
        else
        {
            time.Advance(minute);
            await connection.ClientEnd.Output.WriteAsync(Frames.Client(0x1, "still here"u8));
            Assert.Equal("still here", (await ReadTextAsync(connection)).Text);
        }
    }

    [Fact]
    public void Pass_MovesByTheDurationExactly_AndRunsEachTimerOnTheWay()
    {
        FakeTimeProvider time = new();
        int ticks = 0;
        using ITimer timer = time.CreateTimer(_ => ticks++, null, TimeSpan.FromMilliseconds(30), TimeSpan.FromMilliseconds(30));
        DateTimeOffset start = time.GetUtcNow();

        time.Pass(TimeSpan.FromMilliseconds(110));
        time.Pass(TimeSpan.Zero);

        Assert.Equal(TimeSpan.FromMilliseconds(110), time.GetUtcNow() - start);
        Assert.Equal(3, ticks);
    }

    [Fact]
    public async Task ReadHead_OfAStreamThatEnds_Throws()
    {
        await using InMemoryConnection connection = new();
        await connection.Transport.Output.WriteAsync("HTTP/1.1 101"u8.ToArray());
        await connection.Transport.Output.CompleteAsync();

        EndOfStreamException error =
            await Assert.ThrowsAsync<EndOfStreamException>(() => connection.ClientEnd.Input.ReadHeadAsync());

        Assert.Contains("12 bytes", error.Message, StringComparison.Ordinal);
    }

    private static async Task<ServerFrame> ReadTextAsync(InMemoryConnection connection)
    {
        ServerFrame frame;
        do
        {
            frame = await connection.ClientEnd.Input.ReadFrameAsync();
        }
        while (frame.Opcode == 0x9); // a Ping
        return frame;
    }

    private sealed class Echo : WeirHandler
    {
        public override ValueTask OnMessageAsync(WeirConnection connection, WeirMessage message)
        {
            connection.Send(message.Payload, message.Kind);
            return ValueTask.CompletedTask;
        }
    }
}
