using System.Buffers.Binary;
using Weir.Connections;
using Weir.Integration.Servers;
using Weir.Protocol;
using Weir.Testing;
using Xunit;

namespace Weir.Integration.Interop;

/// <summary>
/// Many threads send to one connection while flushes pend: no message may be lost, truncated or reordered. Under TLS above all,
/// where the transport's writer loses bytes that are written into a pending flush.
/// </summary>
public sealed class ConcurrentSendTests : IAsyncLifetime
{
    private const int Threads = 8;
    private const int MessagesPerThread = 2000;

    private TestServer? _server;

    public async ValueTask InitializeAsync() =>
        _server = await TestServer.StartAsync(static listen => listen.UseWeir("/flood", new FloodHandler(), static options =>
        {
            options.Pressure.CloseAtBytes = long.MaxValue; // for the test to lose nothing to the policy
            options.Pressure.MaxDelay = TimeSpan.Zero;
            NoHeartbeat.Configure(options);
            options.Deflate.Enabled = true;
        }));

    public ValueTask DisposeAsync() => _server!.DisposeAsync();

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Send_FromManyThreadsAtOnce_LosesNothing(bool tls, bool deflate)
    {
        using RawClient client = await _server!.ConnectAsync(tls, receiveBufferBytes: 32 * 1024);
        await client.HandshakeAsync("/flood", deflate ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : "");
        int[] next = new int[Threads];
        int pongs = 0;
        int compressed = 0;

        await client.SendTextAsync("go");
        for (int received = 0; received < Threads * MessagesPerThread;)
        {
            ServerFrame frame = await client.ReadFrameAsync();
            if (frame.Opcode == 0xA)
            {
                pongs++;
                continue;
            }

            bool isCompressed = frame.Rsv == 4;
            compressed += isCompressed ? 1 : 0;
            byte[] payload = isCompressed ? RawDeflate.Decompress(frame.Payload) : frame.Payload;
            int thread = payload[0];
            Assert.Equal(next[thread]++, BinaryPrimitives.ReadInt32LittleEndian(payload.AsSpan(1)));
            Assert.Equal(FloodHandler.SizeOf(thread, next[thread] - 1), payload.Length);
            Assert.Equal(-1, payload.AsSpan(FloodHandler.HeaderBytes).IndexOfAnyExcept((byte)thread));
            if (++received % 1000 == 0)
            {
                await client.SendRawAsync(Frames.Ping("in between"u8)); // its answer overtakes what waits
            }
        }

        // The last Ping was sent after the last message: what still comes is Pongs, one for all that waited at least.
        while (pongs == 0)
        {
            Assert.Equal(0xA, (await client.ReadFrameAsync()).Opcode);
            pongs++;
        }

        Assert.Equal(deflate, compressed > 0);
    }

    private sealed class FloodHandler : WeirHandler
    {
        public const int HeaderBytes = 5;

        public static int SizeOf(int thread, int index) => HeaderBytes + ((((thread * 7919) + index) * 31) % 1500);

        public override ValueTask OnMessageAsync(WeirConnection connection, WeirMessage message)
        {
            for (int thread = 0; thread < Threads; thread++)
            {
                int id = thread;
                new Thread(() => Send(connection, id)) { IsBackground = true }.Start();
            }

            return ValueTask.CompletedTask;
        }

        private static void Send(WeirConnection connection, int thread)
        {
            byte[] message = new byte[HeaderBytes + 1500];
            message.AsSpan().Fill((byte)thread);
            for (int index = 0; index < MessagesPerThread; index++)
            {
                BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(1), index);
                connection.Send(message.AsMemory(0, SizeOf(thread, index)), MessageKind.Binary);
            }
        }
    }
}
