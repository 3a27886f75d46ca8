using Weir.Integration.Hosting;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Wire;

/// <summary><c>Weir:Limits:MaxHeadBytes</c> is one limit at every endpoint, and each refuses in the form of its clients.</summary>
public sealed class HeadLimitTests
{
    [Theory]
    [InlineData(16384)] // the default
    [InlineData(65536)]
    [InlineData(1024)]
    public async Task HeadAtTheLimit_IsTaken_AndAboveIs431WithCorsAtEveryEndpoint(int limit)
    {
        await using HostProcess host = await HostProcess.StartAsync(
            ("Weir__Limits__MaxHeadBytes", $"{limit}"), ("Weir__Origins", "https://app.example"), ("Weir__Api__Key", "k"));
        const int Around = 400; // more than the rest of each head
        foreach (string target in (string[])["/ws?room=a&x=", "/sse?room=a&x=", "/connection/sse?cf_connect=%7B%22id%22:1%7D&x=",
            "/health/live?x="])
        {
            bool isSocket = target.StartsWith("/ws", StringComparison.Ordinal);
            Assert.Equal(isSocket ? 101 : 200, (await AskAsync(host, Head(target + new string('x', limit - Around), "", isSocket))).Status);
            Assert.Equal(
                isSocket ? 101 : 200,
                (await AskAsync(host, Head(target, $"Authorization: {new string('x', limit - Around)}\r\n", isSocket))).Status);
            foreach (string above in (string[])
            [
                Head(target + new string('x', limit), "", isSocket),
                Head(target + new string('x', limit + 20_000), "", isSocket),
                Head(target, $"Authorization: Bearer {new string('x', limit)}\r\n", isSocket),
            ])
            {
                RawResponse refusal = await AskAsync(host, above);
                Assert.Equal(431, refusal.Status);
                if (target.Contains("sse", StringComparison.Ordinal))
                {
                    Assert.Equal(["https://app.example"], refusal.Header("Access-Control-Allow-Origin"));
                }
            }
        }
    }

    private static string Head(string target, string headers, bool isSocket) => isSocket
        ? Heads.Upgrade(target, "Origin: https://app.example\r\n" + headers)
        : $"GET {target} HTTP/1.1\r\nHost: localhost\r\nOrigin: https://app.example\r\n{headers}\r\n";

    private static async Task<RawResponse> AskAsync(HostProcess host, string head)
    {
        using RawClient client = await host.ConnectAsync();
        await client.SendHeadAsync(head);
        return await client.ReadHeadAsync();
    }
}
