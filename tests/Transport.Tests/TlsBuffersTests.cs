using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Weir.Testing;
using Weir.TestSupport;
using Weir.Transports.Epoll.Tests.Sockets;
using Xunit;

namespace Weir.Transports.Epoll.Tests;

public sealed class TlsBuffersTests
{
    // The buffer comes and goes with every message here, and each end of a message is met in a record of its own size.
    [Fact]
    public async Task UseTlsBufferRelease_MessagesOfManySizes_AreEchoedWholeAndNothingIsLogged()
    {
        using LogProbe logs = new();
        using X509Certificate2 certificate = TestCertificate.Create();
        await using WebApplication app = await ServeEchoAsync(certificate, logs);
        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, KestrelTests.AddressOf(app).Port).Within();
        await using SslStream tls =
            new(client.GetStream(), leaveInnerStreamOpen: false, static (_, certificate, _, _) => certificate is not null);
        await tls.AuthenticateAsClientAsync("localhost").Within();

        foreach (int size in new[] { 1, 20, 4_000, 16_384, 16_385, 100_000, 1 })
        {
            byte[] sent = Pattern.Of(size);
            byte[] back = new byte[size];
            Task reading = tls.ReadExactlyAsync(back).AsTask();
            await tls.WriteAsync(sent).AsTask().Within();
            await reading.Within();
            Assert.Equal(sent, back);
        }

        Assert.Empty(logs.Of("TlsBuffersAreKept"));
    }

    [Fact]
    public async Task TryRelease_TrueForASessionThatHasBegunOnly()
    {
        using X509Certificate2 certificate = TestCertificate.Create();
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        using TcpClient near = new();
        await near.ConnectAsync((IPEndPoint)listener.LocalEndpoint).Within();
        using TcpClient far = await listener.AcceptTcpClientAsync().Within();
        await using SslStream server = new(far.GetStream());
        await using SslStream client =
            new(near.GetStream(), leaveInnerStreamOpen: false, static (_, certificate, _, _) => certificate is not null);
        await Task.WhenAll(server.AuthenticateAsServerAsync(certificate), client.AuthenticateAsClientAsync("localhost")).Within();

        await using SslStream notYet = new(new MemoryStream());
        TlsBuffers? buffers = TlsBuffers.Find();

        Assert.True(buffers?.TryRelease(server));
        Assert.False(buffers?.TryRelease(notYet));
    }

    [Fact]
    public async Task UseTlsBufferRelease_NoTls_PassedOn()
    {
        using LogProbe logs = new();
        await using WebApplication app = await ServeEchoAsync(certificate: null, logs);
        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, KestrelTests.AddressOf(app).Port).Within();

        await client.GetStream().WriteAsync("hello"u8.ToArray()).AsTask().Within();
        byte[] back = new byte[5];
        await client.GetStream().ReadExactlyAsync(back).AsTask().Within();

        Assert.Equal("hello"u8.ToArray(), back);
        Assert.Empty(logs.Of("TlsBuffersAreKept"));
    }

    private static async Task<WebApplication> ServeEchoAsync(X509Certificate2? certificate, LogProbe logs)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(logs);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.UseEpollTransport();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            if (certificate is not null)
            {
                listen.UseHttps(certificate);
            }

            listen.UseTlsBufferRelease().Run(static connection => connection.Transport.Input.CopyToAsync(connection.Transport.Output));
        }));
        WebApplication app = builder.Build();
        await app.StartAsync().Within();
        return app;
    }
}
