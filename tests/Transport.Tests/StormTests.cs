using System.Net.Sockets;
using Weir.Testing;
using Weir.Transports.Epoll.Tests.Sockets;
using Xunit;

namespace Weir.Transports.Epoll.Tests;

/// <summary>Connections that open and close faster than their events are processed: none may receive another's.</summary>
public sealed class StormTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Connections_TwoThousandQuickOnes_EachIsEchoedItsOwn(bool runsOnLoop)
    {
        const int Clients = 2000;
        const int AtOnce = 40;
        await using TestServer server = new(loops: 2);
        Task serving = ServeAsync();

        int next = 0;
        int echoed = 0;
        await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => Task.Run(async () =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) <= Clients;)
            {
                await TalkAsync(i);
                Interlocked.Increment(ref echoed);
            }
        }))).Within(TimeSpan.FromSeconds(60));

        Assert.Equal(Clients, echoed);
        await server.Listener.UnbindAsync().Within();
        await serving.Within();
        Assert.Empty(server.Log.Of("LoopCallbackFailed"));

        async Task TalkAsync(int number)
        {
            byte[] message = Pattern.Of(8 + (number % 5), number * 31L);
            using Socket client = server.NewClient();
            await client.ConnectAsync(server.EndPoint).Within();
            await client.SendAsync(message).Within();
            byte[] answer = new byte[message.Length];
            for (int received = 0; received < answer.Length;)
            {
                int some = await client.ReceiveAsync(answer.AsMemory(received)).Within();
                Assert.NotEqual(0, some);
                received += some;
            }

            Assert.Equal(message, answer);
            switch (number % 3)
            {
                case 0:
                    client.LingerState = new LingerOption(true, 0); // a reset
                    break;
                case 1:
                    client.Shutdown(SocketShutdown.Send);
                    break;
                default:
                    break;
            }
        }

        async Task ServeAsync()
        {
            List<Task> all = [];
            while (await server.Listener.AcceptAsync() is EpollConnection connection)
            {
                connection.RunInline = runsOnLoop;
                all.Add(Task.Run(() => EchoAsync(connection)));
            }

            await Task.WhenAll(all);
        }

        static async Task EchoAsync(EpollConnection connection)
        {
            try
            {
                await LoopBufferTests.EchoAsync(new Peer(null!, connection));
            }
            catch (Exception error) when (error is IOException)
            {
                // That client has reset its connection.
            }

            await connection.DisposeAsync();
        }
    }
}
