using Weir.Integration.Hosting;
using Weir.Integration.Servers;
using Weir.Testing;
using Weir.TestSupport;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Wire;

/// <summary>
/// Names and bytes in a URL that are no URI, or do not decode to UTF-8: 400 at every endpoint, and not a line in the log.
/// </summary>
public sealed class MalformedTargetTests : IDisposable
{
    private const string Password = "for the test";

    // Not UTF-8, overlong, a surrogate, truncated, and no escapes at all.
    private static readonly string[] _escapes = ["%FF", "%FE", "caf%E9", "%C0%AF", "%ED%A0%80", "%E2%82", "%", "%4", "%zz"];

    private readonly string _pfx = Path.Combine(Path.GetTempPath(), $"weir-{Guid.NewGuid():N}.pfx");

    public MalformedTargetTests() => TestCertificate.WriteTo(_pfx, Password);

    public void Dispose() => File.Delete(_pfx);

    [Fact]
    public async Task NameInTheUrl_ThatIsNotUtf8_Is400AtEveryEndpoint()
    {
        await using HostProcess host = await StartAsync();
        foreach (string escape in _escapes)
        {
            foreach (string head in (string[])
            [
                Heads.Upgrade("/ws?room=" + escape),
                Heads.Upgrade("/connection/websocket?x=" + escape),
                Get("/sse?room=" + escape),
                Get($"/connection/sse?cf_connect=%7B%22id%22:1,%22connect%22:%7B%22name%22:%22{escape}%22%7D%7D"),
            ])
            {
                Assert.Equal((400, 400), await AskFirstAndLaterAsync(host, head));
            }

            using Http2Client http2 = await Http2Client.ConnectAsync(host.Addresses[1].Port);
            Assert.Equal(400, (await http2.ConnectWebSocketAsync("/ws?room=" + escape)).Status);
            Assert.Equal(400, (await http2.GetAsync("/sse?room=" + escape)).Status);
        }

        Assert.Empty(host.Warnings);
    }

    [Theory]
    [InlineData("a b")]
    [InlineData("\u00c3\u00a4")]
    [InlineData("\u00ff")]
    [InlineData("\u0001")]
    [InlineData("\u007f")]
    public async Task BytesThatNoUriHas_Are400AtEveryEndpoint_AndLogNothing(string name)
    {
        await using HostProcess host = await StartAsync();
        foreach (string head in (string[])[Heads.Upgrade("/ws?room=" + name), Get("/sse?room=" + name),
            Get("/connection/sse?cf_connect=" + name)])
        {
            Assert.Equal((400, 400), await AskFirstAndLaterAsync(host, head));
        }

        using Http2Client http2 = await Http2Client.ConnectAsync(host.Addresses[1].Port);
        Assert.Equal(400, (await http2.ConnectWebSocketAsync("/ws?room=" + name)).Status);
        Assert.Equal(400, (await http2.ConnectWebSocketAsync("/connection/websocket?x=" + name)).Status);
        Assert.Equal(400, (await http2.GetAsync("/sse?room=" + name)).Status);
        Assert.Equal(400, (await http2.GetAsync("/connection/sse?cf_connect=" + name)).Status);
        Assert.Equal(403, (await http2.GetAsync("/sse?room=a", ("origin", name))).Status);

        Assert.Empty(host.Warnings);
        Assert.DoesNotContain("Exception", host.Output, StringComparison.Ordinal);
    }

    // RFC 9113 8.2.1: a field with one of these is malformed. Kestrel or this server may see it first: the answer is 400, or a reset or
    // GOAWAY with PROTOCOL_ERROR.
    [Theory]
    [InlineData("a\rb")]
    [InlineData("a\nb")]
    [InlineData("a\r\nx: y")]
    [InlineData("a\0b")]
    public async Task BytesThatEndALine_OverHttp2_AreRefused_AndLogNothing(string value)
    {
        await using HostProcess host = await StartAsync();
        List<string> accepted = [];
        List<string> answers = [];
        (string What, Func<Http2Client, Task<Http2Answer>> AskAsync)[] requests =
        [
            ("path of a WebSocket", http2 => http2.ConnectWebSocketAsync("/ws?room=" + value)),
            ("path of Centrifugo's protocol", http2 => http2.ConnectWebSocketAsync("/connection/websocket?x=" + value)),
            ("path of a stream", http2 => http2.GetAsync("/sse?room=" + value)),
            ("path of Centrifugo's stream", http2 => http2.GetAsync("/connection/sse?cf_connect=" + value)),
            ("path itself", http2 => http2.GetAsync("/" + value)),
            ("origin of a WebSocket", http2 => http2.ConnectWebSocketAsync("/ws?room=a", ("origin", value))),
            ("origin of a stream", http2 => http2.GetAsync("/sse?room=a", ("origin", value))),
            ("id of a stream", http2 => http2.GetAsync("/sse?room=a", ("last-event-id", value))),
            ("subprotocol", http2 => http2.ConnectWebSocketAsync("/ws?room=a", ("sec-websocket-protocol", value))),
            ("extension", http2 => http2.ConnectWebSocketAsync("/ws?room=a", ("sec-websocket-extensions", value))),
            ("address of a proxy", http2 => http2.GetAsync("/sse?room=a", ("x-forwarded-for", value))),
            ("token", http2 => http2.GetAsync("/sse?room=a", ("authorization", "Bearer " + value))),
            ("cookie", http2 => http2.GetAsync("/sse?room=a", ("cookie", "a=" + value))),
            ("unknown field", http2 => http2.GetAsync("/sse?room=a", ("x-unknown", value))),
        ];
        foreach ((string what, Func<Http2Client, Task<Http2Answer>> askAsync) in requests)
        {
            using Http2Client http2 = await Http2Client.ConnectAsync(host.Addresses[1].Port);
            Http2Answer answer = await askAsync(http2);
            answers.Add($"{what}: {answer}");
            if (answer is not ({ Status: 400 or 403 } or { Error: 0x1 }))
            {
                accepted.Add($"{what}: {answer}");
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine(string.Join(Environment.NewLine, answers));
        Assert.Empty(accepted);
        Assert.Empty(host.Warnings);
        Assert.DoesNotContain("Exception", host.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OtherProtocolOrVersion_OverHttp2_HasAStatusWithAMeaningThere()
    {
        await using HostProcess host = await StartAsync();
        using Http2Client http2 = await Http2Client.ConnectAsync(host.Addresses[1].Port);
        (string, string)[] common = [(":scheme", "https"), (":authority", "localhost"), (":path", "/ws?room=a")];

        Assert.Equal(501, (await http2.AskAsync(isOver: false, [(":method", "CONNECT"), (":protocol", "connect-udp"), .. common])).Status);
        Assert.Equal(400, (await http2.AskAsync(isOver: false, [(":method", "CONNECT"), (":protocol", "websocket"), .. common])).Status);
        Assert.Equal(405, (await http2.GetAsync("/ws?room=a")).Status);
    }

    private async Task<HostProcess> StartAsync()
    {
        HostProcess host = await HostProcess.StartWithAsync(
            ["--urls", "http://127.0.0.1:0;https://127.0.0.1:0", "--Weir:Origins=*"],
            ("Kestrel__Certificates__Default__Path", _pfx), ("Kestrel__Certificates__Default__Password", Password));
        await Bounded.Eventually(() => host.Addresses.Count == 2);
        return host;
    }

    private static string Get(string target) => $"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n";

    private static async Task<(int First, int Later)> AskFirstAndLaterAsync(HostProcess host, string head)
    {
        using RawClient first = await host.ConnectAsync();
        await first.SendHeadAsync(head);
        using RawClient later = await host.ConnectAsync();
        await later.SendHeadAsync(Get("/health/live"));
        await HttpBody.ReadAsync(later, await later.ReadHeadAsync());
        await later.SendHeadAsync(head);
        return ((await first.ReadHeadAsync()).Status, (await later.ReadHeadAsync()).Status);
    }
}
