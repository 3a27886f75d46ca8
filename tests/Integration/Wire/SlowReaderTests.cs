using System.Buffers.Binary;
using Weir.Connections;
using Weir.Integration.Servers;
using Weir.Sending;
using Weir.Testing;
using Xunit;

namespace Weir.Integration.Wire;

/// <summary>Clients that stop reading: in a room they are closed, on their own they are slowed by TCP.</summary>
public sealed class SlowReaderTests : IAsyncLifetime
{
    private const int MessageBytes = 16 * 1024;
    private const int SmallReceiveBuffer = 16 * 1024;

    private readonly WaitingEcho _echo = new();
    private TestServer? _server;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync(listen =>
    {
        listen.UseWeir("/relay", SingleNode.NewRelay(), static options =>
        {
            // Time for the slow ones to read what the system's buffers still hold, even on a busy machine.
            options.CloseTimeout = TimeSpan.FromSeconds(30);
            NoHeartbeat.Configure(options);
        });
        listen.UseWeir("/echo", _echo, static options =>
        {
            options.Pressure.MaxDelay = TimeSpan.Zero; // how long the client does not read is up to the machine
            NoHeartbeat.Configure(options);
        });
    });

    public ValueTask DisposeAsync() => _server!.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TwoOfTwentyMembers_StopReading_AreClosedAndTheOthersLoseNothing(bool tls)
    {
        const int RoundMessages = 16; // 256 KiB: a quarter of what may wait for a member
        const int MostRounds = 400;
        using RawClient publisher = await _server!.OpenAsync("/relay?room=flood", tls);
        RawClient[] members = await Task.WhenAll(Enumerable.Range(0, 19).Select(
            _ => _server.OpenAsync("/relay?room=flood", tls, SmallReceiveBuffer)));
        RawClient[] slow = members[..2];
        RawClient[] quick = members[2..];
        double closedBefore = _server.Metrics.Sum("weir.connections.too_slow");

        int published = 0;
        while (_server.Metrics.Sum("weir.connections.too_slow") < closedBefore + slow.Length)
        {
            Assert.True(published < RoundMessages * MostRounds, "The slow members were never closed.");
            for (int i = 0; i < RoundMessages; i++)
            {
                await publisher.SendRawAsync(Frames.Binary(Message(published + i)));
            }

            // The next round begins when the quick ones have this one, so that only not reading makes a member slow.
            await Task.WhenAll(quick.Select(member => ReadAsync(member, published, RoundMessages)));
            published += RoundMessages;
        }

        foreach (RawClient member in slow)
        {
            IReadOnlyList<ServerFrame> frames = await member.ReadUntilCloseAsync();
            for (int i = 0; i < frames.Count - 1; i++)
            {
                Assert.Equal(Message(i), frames[i].Payload); // whole, and none left out before the end
            }

            Assert.InRange(frames.Count, 2, published);
            Assert.Equal((1009, "too slow"), (frames[^1].CloseCode, frames[^1].CloseReason));
            await member.SendCloseAsync(1009);
            Assert.Equal(TcpEnd.Fin, await member.ReadEndAsync());
        }

        await publisher.SendTextAsync("the room goes on");
        foreach (RawClient member in quick)
        {
            Assert.Equal("the room goes on", (await member.ReadFrameAsync()).Text);
        }

        // One line a second, which counts those that it stands for.
        await Bounded.Eventually(() => slow.Length == _server.Logs.Of("TooSlow").Sum(static record =>
            record.Values.TryGetValue("Repeated", out object? count) ? (int)count! : 1));
        Array.ForEach(members, static member => member.Dispose());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task PipeliningClient_ThatDoesNotRead_IsSlowedAndGetsEveryEcho(bool tls)
    {
        const int Messages = 4000; // 64 MiB, more than all buffers in both directions
        using RawClient client = await _server!.OpenAsync("/echo", tls, SmallReceiveBuffer);
        int sent = 0;
        Task sending = Task.Run(async () =>
        {
            for (; sent < Messages; sent++)
            {
                await client.SendRawAsync(Frames.Binary(Message(sent)), TimeSpan.FromSeconds(30));
            }
        });

        int sentBeforeReading = await SettledAsync(() => Volatile.Read(ref sent));
        bool sentAll = sending.IsCompleted;
        for (int i = 0; i < Messages; i++)
        {
            Assert.Equal(Message(i), (await client.ReadFrameAsync()).Payload);
        }

        await sending.Within();
        Assert.False(sentAll);
        Assert.InRange(sentBeforeReading, 1, Messages - 1);
        Assert.InRange(_echo.MostPendingBytes, 0, 128 * 1024); // it was TCP that held the rest
        Assert.Equal(0, _echo.Refused);
        await client.SendCloseAsync();
        Assert.Equal(1000, (await client.ReadFrameAsync()).CloseCode);
    }

    private static byte[] Message(int index)
    {
        byte[] message = new byte[MessageBytes];
        BinaryPrimitives.WriteInt32LittleEndian(message, index);
        message.AsSpan(4).Fill((byte)index);
        return message;
    }

    private static async Task ReadAsync(RawClient member, int first, int count)
    {
        for (int i = first; i < first + count; i++)
        {
            Assert.Equal(Message(i), (await member.ReadFrameAsync()).Payload);
        }
    }

    // When a number has stopped growing. Taken for settled too early it makes the test weaker, never wrong.
    private static async Task<int> SettledAsync(Func<int> read)
    {
        int last = read();
        long since = TimeProvider.System.GetTimestamp();
        await Bounded.Eventually(() =>
        {
            if (read() != last || last == 0)
            {
                last = read();
                since = TimeProvider.System.GetTimestamp();
            }

            return TimeProvider.System.GetElapsedTime(since) > TimeSpan.FromMilliseconds(300);
        });
        return last;
    }

    /// <summary>Echoes, and notes the most that ever waited.</summary>
    private sealed class WaitingEcho : WeirHandler
    {
        private long _mostPendingBytes;
        private int _refused;

        public long MostPendingBytes => Volatile.Read(ref _mostPendingBytes);

        public int Refused => Volatile.Read(ref _refused);

        public override ValueTask OnMessageAsync(WeirConnection connection, WeirMessage message)
        {
            if (connection.Send(message.Payload, message.Kind) > SendResult.Queued)
            {
                Interlocked.Increment(ref _refused);
            }

            Volatile.Write(ref _mostPendingBytes, Math.Max(_mostPendingBytes, connection.PendingBytes));
            return ValueTask.CompletedTask;
        }
    }
}
