using System.CommandLine;
using System.CommandLine.Parsing;
using Weir.LoadTest.Workers;

namespace Weir.LoadTest.Scenarios;

/// <summary>The options of every scenario.</summary>
internal static class CommonOptions
{
    public static readonly Option<Uri[]> Urls = new("--url")
    {
        Description = "A ws:// or wss:// address; {port} stands for that of --server. Without a path it is /ws, /echo or "
            + "/connection/websocket, whichever the scenario needs. Several for 'rolling'",
        CustomParser = ParseUrls,
        DefaultValueFactory = static _ => [new Uri("ws://127.0.0.1:0")],
    };

    public static readonly Option<string?> Server = OptionKit.Optional<string>(
        "--server", "Command of a server to start and to end with the run, as \"dotnet Weir.Host.dll --urls http://127.0.0.1:{port}\"");

    public static readonly Option<int?> ServerPid = OptionKit.Optional<int?>(
        "--server-pid", "Instead: process of a server that runs on this machine, for its memory and processor time");

    public static readonly Option<string> Protocol = OptionKit.Of("--protocol", "raw", "raw, or centrifugo (JSON)")
        .AcceptOnlyFromAmong("raw", "centrifugo");
    public static readonly Option<bool> Insecure = OptionKit.Of("--insecure", false, "wss: take any certificate");
    public static readonly Option<string?> Token =
        OptionKit.Optional<string>("--token", "Shown by every client: in the connect command, or as Authorization: Bearer");
    public static readonly Option<string?> Sources = OptionKit.Optional<string>("--sources",
        "Addresses to connect from, as 127.0.0.2-127.0.0.9. Default: as many as it takes towards a loopback server, else the system's choice");
    public static readonly Option<int> Processes =
        OptionKit.Of("--processes", 1, "Client processes that the load is divided over, each with its own limit of descriptors");
    public static readonly Option<double> OpenRate =
        OptionKit.Of("--open-rate", 0.0, "Connections begun per second; 0: as fast as the server answers");
    public static readonly Option<int> AtOnce = OptionKit.Of("--handshakes-at-once", 256, "Handshakes under way at a time");
    public static readonly Option<TimeSpan> OpenTimeout =
        OptionKit.Time("--open-timeout", "60s", "How long opening continues when none opens any more");
    public static readonly Option<int> WarmUp = OptionKit.Of("--warm-up-connections", 0,
        "So many are opened and closed twice before anything counts: a server that compiles as it runs is another one then");
    public static readonly Option<TimeSpan> Settle =
        OptionKit.Time("--settle", "3s", "Between the last handshake and the look at the server's memory");
    public static readonly Option<string?> Report = OptionKit.Optional<string>("--report",
        "Directory for report.html, report.json, seconds.csv and latencies.csv; made if it is not there");
    public static readonly Option<bool> Plain =
        OptionKit.Of("--plain", false, "Lines instead of a live table, as when the output is no terminal");

    /// <summary>In the order of the help.</summary>
    public static IEnumerable<Option> All =>
    [
        Urls, Server, ServerPid, Protocol, Insecure, Token, Sources, Processes,
        OpenRate, AtOnce, WarmUp, OpenTimeout, Settle, Report, Plain,
    ];

    /// <summary>The plan that a scenario completes; its addresses are still without port and path.</summary>
    public static WorkerPlan Plan(ParseResult parsed) => new()
    {
        Urls = parsed.GetRequiredValue(Urls),
        Activity = ActivityKind.Rooms,
        Connections = 0,
        IsCentrifugo = parsed.GetValue(Protocol) == "centrifugo",
        IsInsecure = parsed.GetValue(Insecure),
        Token = parsed.GetValue(Token),
        Sources = parsed.GetValue(Sources),
        OpenRate = parsed.GetValue(OpenRate),
        HandshakesAtOnce = parsed.GetValue(AtOnce),
        WarmUp = parsed.GetValue(WarmUp),
        OpenTimeout = parsed.GetValue(OpenTimeout),
    };

    private static Uri[] ParseUrls(ArgumentResult result)
    {
        List<Uri> urls = [];
        foreach (Token token in result.Tokens)
        {
            if (OptionKit.ParseUrl(result, token.Value) is { } url)
            {
                urls.Add(url);
            }
        }

        return [.. urls];
    }
}
