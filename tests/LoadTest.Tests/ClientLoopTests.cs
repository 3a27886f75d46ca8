using System.Net;
using System.Net.Sockets;
using System.Text;
using Weir.LoadTest.Client;
using Weir.LoadTest.Protocols;
using Xunit;

namespace Weir.LoadTest.Tests;

/// <summary>How the client finds out what became of a connection.</summary>
public sealed class ClientLoopTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(true, true, "send: errno 104")] // the send took the error; what is read afterwards is an end like any other
    [InlineData(true, false, "recv: errno 104")]
    [InlineData(false, false, "FIN without a close frame")]
    public void End_ShowsHowTheServerEnded(bool isReset, bool sends, string how)
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        Ends events = new();
        using ClientLoop loop = new(new RawProtocol(), SourceAddresses.For(IPAddress.Loopback, 1, "127.0.0.1"), events);
        Target target = new(new Uri($"ws://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/"));
        Connection connection = loop.Open(0, 0, new RawProtocol().Open(target, [], token: null, receiveBufferBytes: null));
        using (Socket server = listener.AcceptSocket())
        {
            Read(server, loop);
            server.Send(Encoding.ASCII.GetBytes(
                "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"));
            server.Send([0x8A, 0x00]); // the Pong for the client's greeting
            RunUntil(loop, () => connection.IsOpen);
            Read(server, loop); // closed with bytes unread it would be reset in any case
            if (isReset)
            {
                server.LingerState = new LingerOption(enable: true, seconds: 0);
            }
        }

        if (sends)
        {
            connection.SendClose(1000);
        }

        RunUntil(loop, () => events.Ended is not null);
        Assert.Equal(new ConnectionEnd(ConnectionEnd.NoCloseFrame, how), events.Ended);
    }

    private static void Read(Socket server, ClientLoop loop)
    {
        RunUntil(loop, () => server.Available > 0);
        server.Receive(new byte[server.Available]);
    }

    private static void RunUntil(ClientLoop loop, Func<bool> isSo)
    {
        long start = TimeProvider.System.GetTimestamp();
        while (!isSo())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(start) < _limit, "The connection did not get there in time.");
            loop.Run(TimeSpan.FromMilliseconds(10));
        }
    }

    private sealed class Ends : IClientEvents
    {
        public ConnectionEnd? Ended { get; private set; }

        public void OnOpened(Connection connection)
        {
        }

        public void OnRefused(Connection connection, string why) => Assert.Fail(why);

        public void OnMessage(Connection connection, ReadOnlySpan<byte> payload)
        {
        }

        public void OnRead(Connection connection)
        {
        }

        public void OnHeartbeat(Connection connection)
        {
        }

        public void OnProblem(Connection connection, string what) => Assert.Fail(what);

        public void OnEnded(Connection connection, ConnectionEnd end) => Ended = end;
    }
}
