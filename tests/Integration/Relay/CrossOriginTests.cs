using System.Net;
using System.Text;
using Weir.Integration.Auth;
using Weir.Testing;
using Weir.TestSupport.Processes;
using Xunit;

namespace Weir.Integration.Relay;

/// <summary>CORS (Fetch standard, section 3.3) on all endpoints of streams, and on all their answers.</summary>
public sealed class CrossOriginTests
{
    private const string Listed = "https://app.example.com";
    private const string Connect = "/connection/sse?cf_connect={\"id\":1,\"connect\":{}}";

    private static readonly (HttpMethod Method, string Target)[] _endpoints =
    [
        (HttpMethod.Get, "/sse?room=a"), (HttpMethod.Get, Connect), (HttpMethod.Post, "/connection/http_stream"),
        (HttpMethod.Post, "/emulation"),
    ];

    [Fact]
    public async Task Preflight_OfEveryEndpoint_AllowsWhatClientsOfStreamsSend()
    {
        await using HostProcess host = await StartAsync("https://*.example.com", cookie: "token");
        using HttpClient http = RelayHost.NewClient(host);
        foreach ((HttpMethod method, string target) in _endpoints)
        {
            using HttpResponseMessage answer = await AskAsync(http, HttpMethod.Options, target, Listed);

            Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
            Assert.Equal(Listed, HeaderOf(answer, "Access-Control-Allow-Origin"));
            Assert.Equal("true", HeaderOf(answer, "Access-Control-Allow-Credentials"));
            Assert.Equal(method.Method, HeaderOf(answer, "Access-Control-Allow-Methods"));
            Assert.Equal("7200", HeaderOf(answer, "Access-Control-Max-Age"));
            string allowed = HeaderOf(answer, "Access-Control-Allow-Headers")!;
            foreach (string header in (string[])["authorization", "cache-control", "content-type", "last-event-id", "x-requested-with"])
            {
                Assert.Contains(header, allowed.Split(", "));
            }
        }
    }

    [Fact]
    public async Task Answers_OfEveryKind_CanBeReadByAnAllowedPage_AndHaveVary()
    {
        await using HostProcess host = await StartAsync("https://*.example.com", cookie: "token");
        using HttpClient http = RelayHost.NewClient(host);
        string token = "&token=" + Tokens.Make("\"sub\":\"u1\",\"channels\":[\"a\"]");
        (HttpMethod, string, string, int)[] cases =
        [
            (HttpMethod.Get, "/sse?room=a" + token, "", 200),
            (HttpMethod.Get, "/sse?room=a", "", 401),
            (HttpMethod.Get, "/sse?room=b" + token, "", 403),
            (HttpMethod.Get, "/sse", "", 400),
            (HttpMethod.Put, "/sse?room=a", "", 405),
            (HttpMethod.Get, Connect, "", 200),
            (HttpMethod.Get, "/connection/sse", "", 400),
            (HttpMethod.Post, "/connection/sse", "", 405),
            (HttpMethod.Post, "/connection/http_stream", "", 400),
            (HttpMethod.Get, "/connection/http_stream", "", 405),
            (HttpMethod.Post, "/emulation", "{}", 400),
            (HttpMethod.Post, "/emulation", new string('x', 10_000), 413),
            (HttpMethod.Get, "/emulation", "", 405),
        ];
        foreach ((HttpMethod method, string target, string body, int status) in cases)
        {
            using HttpResponseMessage answer = await AskAsync(http, method, target, Listed, body);

            Assert.Equal((status, Listed, "true", "Origin"), (
                (int)answer.StatusCode, HeaderOf(answer, "Access-Control-Allow-Origin"),
                    HeaderOf(answer, "Access-Control-Allow-Credentials"), HeaderOf(answer, "Vary")));
            Assert.Equal("no-cache, no-transform",
                HeaderOf(answer, "Cache-Control")?.Replace("no-transform, no-cache", "no-cache, no-transform", StringComparison.Ordinal));
            if (status == 200)
            {
                Assert.Equal("no", HeaderOf(answer, "X-Accel-Buffering"));
            }

            using HttpResponseMessage stranger = await AskAsync(http, method, target, "https://example.org", body);
            Assert.Equal((403, null), ((int)stranger.StatusCode, HeaderOf(stranger, "Access-Control-Allow-Origin")));
            using HttpResponseMessage noPage = await AskAsync(http, method, target, origin: null, body);
            Assert.Equal((status, null, "Origin"),
                ((int)noPage.StatusCode, HeaderOf(noPage, "Access-Control-Allow-Origin"), HeaderOf(noPage, "Vary")));
        }
    }

    [Theory]
    [InlineData("*", "token", null)] // every page of the world, with the user's cookies
    [InlineData("https://*", "token", null)]
    [InlineData("*,https://app.example.com", "token", "true")]
    [InlineData("https://app.example.com", null, null)]
    public async Task Credentials_AreForListedOrigins_WhereACookieIsConfigured(string origins, string? cookie, string? expected)
    {
        await using HostProcess host = await StartAsync(origins, cookie);
        using HttpClient http = RelayHost.NewClient(host);
        foreach ((HttpMethod method, string target) in _endpoints)
        {
            foreach (HttpMethod asked in (HttpMethod[])[HttpMethod.Options, method])
            {
                using HttpResponseMessage answer = await AskAsync(http, asked, target, Listed);

                Assert.Equal((Listed, expected),
                    (HeaderOf(answer, "Access-Control-Allow-Origin"), HeaderOf(answer, "Access-Control-Allow-Credentials")));
            }
        }
    }

    private static Task<HostProcess> StartAsync(string origins, string? cookie)
    {
        List<(string, string)> settings =
        [
            ("Weir__Origins", origins), ("Weir__Auth__Jwt__Secret", Tokens.Secret), ("Weir__Limits__MaxMessageBytes", "1000"),
        ];
        if (cookie is not null)
        {
            settings.Add(("Weir__Auth__Cookie", cookie));
        }

        return HostProcess.StartAsync([.. settings]);
    }

    private static async Task<HttpResponseMessage> AskAsync(HttpClient http, HttpMethod method, string target, string? origin,
        string body = "")
    {
        using HttpRequestMessage request = new(method, target);
        if (method == HttpMethod.Post)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        }

        if (origin is not null)
        {
            request.Headers.Add("Origin", origin);
        }

        return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead).Within();
    }

    private static string? HeaderOf(HttpResponseMessage answer, string name)
        => answer.Headers.TryGetValues(name, out IEnumerable<string>? values) ? string.Join(", ", values) : null;
}
