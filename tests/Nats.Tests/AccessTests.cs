using System.Security.Cryptography.X509Certificates;
using Weir.Relay.Brokers;
using Weir.Testing;
using Weir.TestSupport;
using Weir.TestSupport.Servers;
using Xunit;

namespace Weir.Brokers.Nats.Tests;

/// <summary>Users, permissions and TLS.</summary>
public sealed class AccessTests
{
    private const string Room = "room";

    // As docs/operations/nats.md lists them.
    private const string Permissions = """
        permissions: {
          publish: [ "weir.>", "$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.INFO.*", "$JS.API.STREAM.CREATE.*",
            "$JS.API.STREAM.UPDATE.*", "$JS.API.STREAM.PURGE.*", "$JS.API.STREAM.MSG.GET.*", "$JS.API.DIRECT.GET.*" ]
          subscribe: [ "weir.>" ]
        }
        """;

    [Fact]
    public async Task Permissions_OfTheGuide_AreEnoughForEverything()
    {
        await using NatsServer server = await NatsServer.StartAsync(
            $$"""accounts: { a: { jetstream: enabled, users: [ { user: "weir", password: "a word", {{Permissions}} } ] } }""");
        await using Node one = await StartAsync(server.Url);
        await using Node two = await StartAsync(server.Url);
        await two.SubscribeAsync(Room);

        await one.PublishAsync(Room, "kept");
        await one.PublishAsync(Room, "plain", RoomRule.Default);
        await one.Broker.SetPresenceAsync(Room, new RoomMember("c", "u", default, default), TimeSpan.FromMinutes(1), default).Within();
        await one.Broker.SendControlAsync(two.Sink.NodeId, "one"u8.ToArray(), default).Within();
        await one.Broker.SendControlAsync(null, "all"u8.ToArray(), default).Within();
        await two.Sink.WaitForAsync(Room, 2);
        await Bounded.Eventually(() => two.Sink.Controls.Count == 2);

        Assert.Single((await two.ReadAsync(Room)).Publications);
        Assert.Single(await two.Broker.ReadPresenceAsync(Room, default).Within());
        await one.Broker.RemoveHistoryAsync(Room, default).Within();
        Assert.Empty(one.Log.Of("NatsServerError"));

        static Task<Node> StartAsync(string url)
            => Node.StartAsync(url, static options => (options.User, options.Password) = ("weir", "a word"));
    }

    [Fact]
    public async Task Permission_ThatIsMissing_IsNamedInTheLog()
    {
        await using NatsServer server = await NatsServer.StartAsync(
            """accounts: { a: { jetstream: enabled, users: [ { user: "u", password: "p", permissions: { publish: { deny: "weir.log.>" } } } ] } }""");
        await using Node node = await Node.StartAsync(server.Url, static options => (options.User, options.Password) = ("u", "p"));

        BrokerUnavailableException failed = await Assert.ThrowsAsync<BrokerUnavailableException>(() => node.PublishAsync(Room, "x"));

        Assert.True(failed.IsUnknown); // the server does not say to which message its error belongs
        await Bounded.Eventually(() => node.Log.Of("NatsServerError").Any(
            static record => record.Message.Contains("weir.log.", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Password_ThatIsWrong_IsDegraded_AndTriedAgain()
    {
        await using NatsServer server = await NatsServer.StartAsync("""authorization: { user: "u", password: "right" }""");
        await using Node node = Node.Start(server.Url, static options => (options.User, options.Password) = ("u", "wrong"));

        await Bounded.Eventually(() => node.Log.Of("NatsTryFailed").Count >= 4); // also after the library would give up

        Assert.Equal(BrokerHealth.Degraded, node.Broker.Health);
        Assert.Single(node.Log.Of("NatsDown"));
        Assert.All(node.Log.Records, static record => Assert.DoesNotContain("wrong", record.Message + record.Exception, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Tls_IsUsed_AndTheCertificateIsVerified(bool isTrusted)
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("weir-nats-tls-");
        try
        {
            using X509Certificate2 certificate = TestCertificate.Create();
            using X509Certificate2 another = TestCertificate.Create();
            string path = Path.Combine(directory.FullName, "server.pem");
            string trusted = Path.Combine(directory.FullName, "trusted.pem");
            string key = Path.Combine(directory.FullName, "server.key");
            await File.WriteAllTextAsync(path, certificate.ExportCertificatePem());
            await File.WriteAllTextAsync(key, certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
            await File.WriteAllTextAsync(trusted, (isTrusted ? certificate : another).ExportCertificatePem());
            await using NatsServer server = await NatsServer.StartAsync($$"""tls: { cert_file: "{{path}}", key_file: "{{key}}" }""");
            await using Node node = Node.Start($"tls://localhost:{server.Port}", options => options.TlsCaFile = trusted);

            if (isTrusted)
            {
                await node.IsUpAsync();
                Assert.Equal(1, (await node.PublishAsync(Room, "x")).Offset);
            }
            else
            {
                await Bounded.Eventually(() => node.Log.Of("NatsTryFailed").Count >= 2);
                Assert.Empty(node.Log.Of("NatsUp"));
            }
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
