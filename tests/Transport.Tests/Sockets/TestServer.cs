using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Weir.Testing;
using Xunit;

namespace Weir.Transports.Epoll.Tests.Sockets;

/// <summary>
/// A bare listener of the transport on loopback, without Kestrel. Disposing it ends what it accepted, and fails the test
/// when a buffer was not given back, or twice.
/// </summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly List<Peer> _peers = [];

    public TestServer(int loops = 1, TimeSpan? handOffAfter = null, EndPoint? endPoint = null, TimeProvider? time = null)
    {
        EpollTransportOptions options = new() { Loops = loops, HandOffAfter = handOffAfter ?? TimeSpan.Zero };
        Transport = new EpollTransport(options, new DiagnosticMemoryPool(), Log.CreateLogger(TransportLog.Category), time
            ?? TimeProvider.System, Arrays);
        Listener = Bind(endPoint ?? new IPEndPoint(IPAddress.Loopback, 0));
    }

    public DiagnosticArrayPool Arrays { get; } = new();

    public LogProbe Log { get; } = new();

    public EpollTransport Transport { get; }

    public EpollListener Listener { get; }

    public EndPoint EndPoint => Listener.EndPoint;

    /// <summary>Connects a client and accepts it.</summary>
    /// <param name="runsOnLoop">Whether continuations of the connection run on the loop's thread.</param>
    /// <param name="receiveBufferBytes">The client's; small, so that it is soon full.</param>
    public async Task<Peer> ConnectAsync(bool runsOnLoop = false, int? receiveBufferBytes = null)
    {
        Socket client = NewClient();
        if (receiveBufferBytes is { } bytes)
        {
            client.ReceiveBufferSize = bytes;
        }

        Task<EpollConnection> accepted = AcceptAsync();
        await client.ConnectAsync(EndPoint).Within();
        Peer peer = new(client, await accepted);
        peer.Server.RunInline = runsOnLoop;
        _peers.Add(peer);
        return peer;
    }

    /// <summary>Accepts the next one, and continues on a thread of the pool, not on the loop's.</summary>
    public async Task<EpollConnection> AcceptAsync()
    {
        ConnectionContext? accepted = await Listener.AcceptAsync().Within();
        await Task.Yield();
        return Assert.IsType<EpollConnection>(accepted);
    }

    /// <summary>A socket that can connect to the listener.</summary>
    public Socket NewClient() => EndPoint is IPEndPoint ip
        ? new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }
        : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    public async ValueTask DisposeAsync()
    {
        foreach (Peer peer in _peers)
        {
            peer.Client.Dispose();
            peer.Server.Abort();
            await peer.Server.DisposeAsync().Within();
        }

        await Listener.UnbindAsync().Within();
        await Listener.DisposeAsync().Within();
        Transport.Dispose();
        await Bounded.Eventually(() => Arrays.Outstanding == 0); // the loops give theirs back as their threads end
        Arrays.AssertClean();
    }

    private EpollListener Bind(EndPoint endPoint)
    {
        try
        {
            return EpollListener.Bind(endPoint, Transport);
        }
        catch
        {
            Transport.Dispose();
            throw;
        }
    }
}
