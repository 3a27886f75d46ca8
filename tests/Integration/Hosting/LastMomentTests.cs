using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Hosting;

/// <summary>
/// Clients that connect while a node closes its ports: every accepted connection is answered, by any protocol and on both transports.
/// </summary>
public sealed class LastMomentTests : IDisposable
{
    private const int Clients = 60;

    private readonly string _directory = Directory.CreateTempSubdirectory("weir-last-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("Epoll", "127.0.0.1", "/ws?room=last")]
    [InlineData("Sockets", "127.0.0.1", "/ws?room=last")]
    [InlineData("Epoll", "127.0.0.1", "/sse?room=last")]
    [InlineData("Sockets", "127.0.0.1", "/sse?room=last")]
    [InlineData("Epoll", "[::1]", "/health/live")]
    [InlineData("Sockets", "[::1]", "/health/live")]
    [InlineData("Epoll", "unix", "/ws?room=last")]
    [InlineData("Sockets", "unix", "/ws?room=last")]
    public async Task Connected_WhileTheNodeStops_IsAnswered(string transport, string address, string target)
    {
        Assert.SkipUnless(address != "[::1]" || Socket.OSSupportsIPv6, "There is no IPv6 here.");
        string path = Path.Combine(_directory, $"{transport}.sock");
        string url = address == "unix" ? $"http://unix:{path}" : $"http://{address}:0";
        await using HostProcess host = await HostProcess.StartWithAsync(
            ["--urls", url], ("Weir__Transport", transport), ("Weir__Drain__Window", "0"));
        string head = target.StartsWith("/ws", StringComparison.Ordinal)
            ? Heads.Upgrade(target)
            : $"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n";
        byte[] request = Encoding.ASCII.GetBytes(head);
        EndPoint endPoint = address == "unix" ? new UnixDomainSocketEndPoint(path) : new IPEndPoint(IPAddress.Parse(address), host.Port);
        ConcurrentDictionary<string, int> endings = new();
        int answered = 0;

        // Each connects again as soon as it has been answered, until it is not accepted any more.
        Task[] clients = [.. Enumerable.Range(0, Clients).Select(_ => Task.Run(async () =>
        {
            while (await AskAsync(endPoint, request) is { } ending)
            {
                endings.AddOrUpdate(ending, 1, static (_, count) => count + 1);
                Interlocked.Increment(ref answered);
            }
        }))];
        await Bounded.Eventually(() => Volatile.Read(ref answered) >= 2 * Clients);

        host.Terminate();

        await Task.WhenAll(clients).Within();
        Assert.All(endings.Keys, static ending => Assert.StartsWith("HTTP/1.1 ", ending, StringComparison.Ordinal));
        Assert.Equal(0, await host.ExitAsync());
    }

    /// <summary>The beginning of the answer, or how the connection ended without one; <c>null</c> if it was not accepted.</summary>
    private static async Task<string?> AskAsync(EndPoint endPoint, byte[] request)
    {
        using Socket client = new(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await client.ConnectAsync(endPoint).Within();
        }
        catch (SocketException error) when (error.SocketErrorCode is SocketError.ConnectionRefused or SocketError.AddressNotAvailable)
        {
            return null;
        }

        byte[] answer = new byte["HTTP/1.1 200".Length];
        try
        {
            await client.SendAsync(request).Within();
            int bytes = await client.ReceiveAsync(answer).Within();
            return bytes == 0 ? "FIN" : Encoding.ASCII.GetString(answer, 0, bytes);
        }
        catch (SocketException error)
        {
            return error.SocketErrorCode.ToString();
        }
    }
}
