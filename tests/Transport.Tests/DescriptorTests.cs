using Weir.Testing;
using Weir.Transports.Epoll.Tests.Sockets;
using Xunit;

namespace Weir.Transports.Epoll.Tests;

public sealed class DescriptorTests
{
    [Fact]
    public async Task Connections_HoweverTheyEnd_LeaveNoDescriptor()
    {
        await using TestServer server = new(loops: 2);
        await EndAllAsync(8); // what is made once is made
        int before = Descriptors.Count;

        await EndAllAsync(80);

        await Bounded.Eventually(() => Descriptors.Count <= before);

        async Task EndAllAsync(int count)
        {
            for (int i = 0; i < count; i++)
            {
                Peer peer = await server.ConnectAsync();
                switch (i % 4)
                {
                    case 0:
                        peer.ResetByClient();
                        break;
                    case 1:
                        peer.Server.Abort();
                        break;
                    case 2:
                        await peer.SendAsync(new byte[10]);
                        break;
                    default:
                        break;
                }

                await peer.Server.DisposeAsync().Within();
                peer.Client.Dispose();
            }
        }
    }

    [Fact]
    public async Task Transport_Disposed_LeavesNoDescriptor()
    {
        await ServeAsync();
        int before = Descriptors.Count;

        for (int i = 0; i < 5; i++)
        {
            await ServeAsync();
        }

        await Bounded.Eventually(() => Descriptors.Count <= before);

        static async Task ServeAsync()
        {
            await using TestServer server = new(loops: 3);
            await server.ConnectAsync();
        }
    }
}
