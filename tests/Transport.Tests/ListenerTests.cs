using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Weir.Testing;
using Weir.Transports.Epoll.Tests.Sockets;
using Xunit;

namespace Weir.Transports.Epoll.Tests;

public sealed class ListenerTests
{
    [Fact]
    public async Task Bind_PortZero_ReturnsThePort()
    {
        await using TestServer server = new(loops: 2);
        Assert.NotEqual(0, Assert.IsType<IPEndPoint>(server.EndPoint).Port);
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("0.0.0.0", "127.0.0.1")]
    [InlineData("::1", "::1")]
    [InlineData("::", "::1")]
    [InlineData("::", "127.0.0.1")]
    public async Task EndPoints_AsTheClientSeesThem(string listen, string connect)
    {
        IPAddress address = IPAddress.Parse(listen);
        Assert.SkipUnless(address.AddressFamily == AddressFamily.InterNetwork || Socket.OSSupportsIPv6, "There is no IPv6 here.");
        await using TestServer server = new(endPoint: new IPEndPoint(address, 0));
        IPAddress target = IPAddress.Parse(connect);
        using Socket client = new(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        Task<EpollConnection> accepting = server.AcceptAsync();
        await client.ConnectAsync(new IPEndPoint(target, ((IPEndPoint)server.EndPoint).Port)).Within();
        await using EpollConnection connection = await accepting;

        Assert.Equal(AsListenerSees(client.LocalEndPoint), connection.RemoteEndPoint);
        Assert.Equal(AsListenerSees(client.RemoteEndPoint), connection.LocalEndPoint);

        IPEndPoint AsListenerSees(EndPoint? endPoint)
        {
            IPEndPoint ip = Assert.IsType<IPEndPoint>(endPoint);
            return address.AddressFamily == ip.AddressFamily ? ip : new IPEndPoint(ip.Address.MapToIPv6(), ip.Port);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Bind_UnixSocket_Serves(int loops)
    {
        string path = NewPath();
        await using TestServer server = new(loops, endPoint: new UnixDomainSocketEndPoint(path));
        for (int i = 0; i < 4; i++)
        {
            Peer peer = await server.ConnectAsync();
            await peer.SendAsync("abc"u8.ToArray());
            Assert.Equal("abc"u8.ToArray(), await peer.TakeAsync(3));
            Assert.Null(peer.Server.RemoteEndPoint);
            Assert.Equal(server.EndPoint, peer.Server.LocalEndPoint);

            peer.Server.Abort();
            Assert.True(await peer.ReceivesEndAsync()); // there is no reset on a Unix socket
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 3)]
    [InlineData(3, 1)]
    [InlineData(3, 3)]
    public async Task Bind_PortTakenByAnotherListener_AddressInUse(int firstLoops, int secondLoops)
    {
        await using TestServer first = new(firstLoops);

        Assert.Throws<AddressInUseException>(() => new TestServer(secondLoops, endPoint: first.EndPoint));
    }

    [Fact]
    public async Task Bind_PortTakenByAPlainSocket_AddressInUse()
    {
        using Socket taken = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();

        Assert.Throws<AddressInUseException>(() => new TestServer(loops: 2, endPoint: taken.LocalEndPoint));
        await Task.CompletedTask;
    }

    [Fact]
    public async Task Bind_UnixPathTaken_AddressInUse()
    {
        UnixDomainSocketEndPoint path = new(NewPath());
        await using TestServer first = new(endPoint: path);

        Assert.Throws<AddressInUseException>(() => new TestServer(endPoint: path));
    }

    [Fact]
    public async Task Bind_AfterAnEarlierListenerHasEnded_SamePortAgain()
    {
        EndPoint endPoint;
        await using (TestServer first = new(loops: 2))
        {
            endPoint = first.EndPoint;
            Peer peer = await first.ConnectAsync();
            await peer.Server.DisposeAsync().Within(); // the server's side ends first, and stays behind in TIME_WAIT
            Assert.True(await peer.ReceivesEndAsync());
        }

        await using TestServer second = new(loops: 2, endPoint: endPoint);
        await second.ConnectAsync();
    }

    [Fact]
    public async Task AcceptAsync_SeveralLoops_AllOfThemAccept()
    {
        await using TestServer server = new(loops: 3);
        HashSet<int> loops = [];
        for (int i = 0; i < 80; i++)
        {
            loops.Add((await server.ConnectAsync()).Server.Loop.Index);
        }

        Assert.Equal([0, 1, 2], loops.Order());
    }

    [Fact]
    public async Task UnbindAsync_AcceptEndsAndClientsAreRefused()
    {
        await using TestServer server = new(loops: 2);
        Peer peer = await server.ConnectAsync();
        Task<ConnectionContext?> accepting = server.Listener.AcceptAsync().AsTask();

        await server.Listener.UnbindAsync().Within();

        Assert.Null(await accepting.Within());
        using Socket late = server.NewClient();
        await Assert.ThrowsAsync<SocketException>(() => late.ConnectAsync(server.EndPoint).Within());
        await peer.SendAsync("abc"u8.ToArray()); // accepted connections stay
        Assert.Equal("abc"u8.ToArray(), await peer.TakeAsync(3));
    }

    [Theory]
    [InlineData("127.0.0.1", 2)]
    [InlineData("::1", 1)]
    [InlineData("::", 2)]
    [InlineData("unix", 2)]
    public async Task UnbindAsync_WhilePeersConnect_LeavesNoneBehindInTheBacklog(string listen, int loops)
    {
        EndPoint endPoint = listen == "unix" ? new UnixDomainSocketEndPoint(NewPath()) : new IPEndPoint(IPAddress.Parse(listen), 0);
        Assert.SkipUnless(endPoint.AddressFamily != AddressFamily.InterNetworkV6 || Socket.OSSupportsIPv6, "There is no IPv6 here.");
        for (int round = 0; round < 3; round++)
        {
            await using TestServer server = new(loops, endPoint: endPoint);
            ConcurrentQueue<EpollConnection> accepted = [];
            Task accepting = AnswerAllAsync(server.Listener, accepted);
            int answered = 0;
            using CancellationTokenSource isOver = new();
            Task[] peers = [.. Enumerable.Range(0, 32).Select(_ => Task.Run(async () =>
            {
                while (!isOver.IsCancellationRequested)
                {
                    using Socket peer = server.NewClient();
                    try
                    {
                        await peer.ConnectAsync(TargetOf(server)).Within();
                    }
                    catch (SocketException)
                    {
                        return; // refused, or there is no file any more: it was not accepted
                    }

                    byte[] answer = new byte[1];
                    Assert.Equal(1, await peer.ReceiveAsync(answer).WaitAsync(Bounded.DefaultLimit)); // a reset would throw
                    Interlocked.Increment(ref answered);
                }
            }))];
            await Bounded.Eventually(() => Volatile.Read(ref answered) > 200);

            await server.Listener.UnbindAsync().Within();

            await isOver.CancelAsync();
            await Task.WhenAll(peers).Within();
            await accepting.Within();
            foreach (EpollConnection connection in accepted)
            {
                connection.Abort();
                await connection.DisposeAsync().Within();
            }
        }
    }

    [Fact]
    public async Task Bind_UnixSocketOfAProcessThatHasEnded_ReplacesIt()
    {
        string path = NewPath();
        LeaveSocketAt(path);

        await using TestServer server = new(loops: 2, endPoint: new UnixDomainSocketEndPoint(path));

        await server.ConnectAsync();
    }

    [Fact]
    public async Task Bind_UnixPathOfARunningServer_ThrowsAndKeepsTheFile()
    {
        UnixDomainSocketEndPoint path = new(NewPath());
        await using TestServer first = new(endPoint: path);

        AddressInUseException error = Assert.Throws<AddressInUseException>(() => new TestServer(endPoint: path));

        Assert.Contains($"Another process listens on the Unix socket '{path}'", error.Message, StringComparison.Ordinal);
        await first.ConnectAsync();
    }

    [Theory]
    [InlineData("file")]
    [InlineData("link to a dead socket")]
    [InlineData("directory")]
    public void Bind_UnixPathOfAnotherFile_ThrowsAndKeepsTheFile(string kind)
    {
        string path = NewPath();
        FileSystemInfo there;
        switch (kind)
        {
            case "file":
                File.WriteAllText(path, "kept");
                there = new FileInfo(path);
                break;
            case "directory":
                there = Directory.CreateDirectory(path);
                break;
            default:
                LeaveSocketAt(path + "t");
                there = File.CreateSymbolicLink(path, path + "t");
                break;
        }

        AddressInUseException error =
            Assert.Throws<AddressInUseException>(() => new TestServer(endPoint: new UnixDomainSocketEndPoint(path)));

        Assert.Contains($"'{path}' exists and is no socket", error.Message, StringComparison.Ordinal);
        there.Refresh();
        Assert.True(there.Exists);
        there.Delete();
        File.Delete(path + "t");
    }

    [Fact]
    public async Task AcceptAsync_TokenCanceled_Throws()
    {
        await using TestServer server = new();
        using CancellationTokenSource source = new();
        Task<ConnectionContext?> accepting = server.Listener.AcceptAsync(source.Token).AsTask();
        await source.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => accepting.Within());
        await server.ConnectAsync();
    }

    private static async Task AnswerAllAsync(EpollListener listener, ConcurrentQueue<EpollConnection> accepted)
    {
        while (await listener.AcceptAsync() is EpollConnection connection)
        {
            accepted.Enqueue(connection);
            await connection.Transport.Output.WriteAsync("x"u8.ToArray());
        }
    }

    private static EndPoint TargetOf(TestServer server)
        => server.EndPoint is IPEndPoint { Address: var address, Port: var port } && address.Equals(IPAddress.IPv6Any)
            ? new IPEndPoint(IPAddress.IPv6Loopback, port)
            : server.EndPoint;

    // As a process does that is killed. Disposing the socket would delete the file, closing its descriptor does not.
    private static void LeaveSocketAt(string path)
    {
        Socket dead = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        dead.Bind(new UnixDomainSocketEndPoint(path));
        dead.Listen();
        dead.SafeHandle.Dispose();
        Assert.True(File.Exists(path));
    }

    private static string NewPath() => Path.Combine(Path.GetTempPath(), $"weir-{Guid.NewGuid():N}.sock");
}
