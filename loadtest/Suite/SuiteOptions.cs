using System.CommandLine;
using Weir.LoadTest.Client;
using Weir.LoadTest.Running;
using Weir.LoadTest.Scenarios;
using Weir.LoadTest.Suite.Scenarios;

namespace Weir.LoadTest.Suite;

/// <summary>The command line.</summary>
internal static class SuiteOptions
{
    public static readonly Option<string[]> Scenarios = new("--scenario")
    {
        Description = "Which; all that are named run at the same time",
        DefaultValueFactory = static _ => [.. Catalog.All.Where(static each => each.IsOfDefault).Select(static each => each.Name)],
        AllowMultipleArgumentsPerToken = true,
    };

    public static readonly Option<string> ReportFolder = OptionKit.Of("--report-folder", "reports", "For a folder with the reports of this run: .html, .csv and .md");
    public static readonly Option<double> MaxP99 =
        OptionKit.Of("--max-p99-ms", 0.0, "Fails when the 99th percentile of a step is above; 0: any");

    // NBomber's own is 1 s, in which a copy may not have begun.
    private static readonly TimeSpan _shortest = TimeSpan.FromSeconds(2);

    // NBomber's own.
    private const int DefaultMaxFailures = 5000;

    private static readonly Option<Uri> _url = new("--url")
    {
        Description = "ws:// or wss:// address of the server, without a path; {port} stands for that of --server",
        CustomParser = static result => OptionKit.ParseUrl(result, result.Tokens[0].Value),
        DefaultValueFactory = static _ => new Uri("ws://127.0.0.1:0"),
    };

    private static readonly Option<string?> _server = OptionKit.Optional<string>("--server",
        "Command of a server to start and to end with the run; {port} stands for its port. reconnect and rolling start others of their own");
    private static readonly Option<int?> _serverPid =
        OptionKit.Optional<int?>("--server-pid", "Instead, for soak: process of a server that runs on this machine");
    private static readonly Option<bool> _insecure = OptionKit.Of("--insecure", false, "wss: take any certificate");
    private static readonly Option<string?> _token =
        OptionKit.Optional<string>("--token", "Shown by all but those of bad_tokens, as Authorization: Bearer");
    private static readonly Option<int> _copies =
        OptionKit.Count("--copies", 20, "Copies of echo, bad_handshakes and bad_tokens, and rooms of soak");
    private static readonly Option<int> _rate =
        OptionKit.Count("--rate", 200, "Iterations per second of echo_at_rate and storm, and messages per second to all rooms of soak");
    private static readonly Option<TimeSpan> _during =
        OptionKit.Time("--for", "10s", "How long each load, 2s at least; what is under way then is waited for, up to a minute");
    private static readonly Option<int> _payload = OptionKit.Of("--payload-bytes", 125, "Of each message");
    private static readonly Option<int> _members = OptionKit.Count("--members", 50, "Of each room");
    private static readonly Option<int> _connections = OptionKit.Count("--connections", 1000, "idle, reconnect, rolling: clients");
    private static readonly Option<TimeSpan> _heartbeatTimeout =
        OptionKit.Time("--heartbeat-timeout", "60s", "idle: fails when no Ping has come for so long");
    private static readonly Option<int> _slow = OptionKit.Count("--slow", 4, "slow: clients that stop reading at a time");
    private static readonly Option<TimeSpan> _slowFor = OptionKit.Time("--slow-for", "10s",
        "slow: how long they do not read. Long enough for the server to have enough of it, and too short for its heartbeat");
    private static readonly Option<TimeSpan> _down = OptionKit.Time("--down", "3s", "reconnect: how long the server is away");
    private static readonly Option<TimeSpan> _backoff = OptionKit.Time("--backoff", "500ms",
        "reconnect, rolling: a client waits so long, and up to as long again, twice as long after each failure");
    private static readonly Option<TimeSpan> _mostBackoff =
        OptionKit.Time("--most-backoff", "20s", "reconnect, rolling: the most of that random part");
    private static readonly Option<TimeSpan> _maxAway =
        OptionKit.Time("--max-away", "60s", "reconnect, rolling: a client that is not back by then is a failure");
    private static readonly Option<TimeSpan> _drainTimeout =
        OptionKit.Time("--drain-timeout", "90s", "rolling: how long the drain may take");
    private static readonly Option<int> _churn = OptionKit.Count("--churn", 20, "soak: clients per second that come and go");
    private static readonly Option<int?> _maxFailures = OptionKit.Optional<int?>("--max-failures",
        "Ends the run when so many iterations of a scenario have failed; 0: never. "
        + "Default: 5000, and never with slow, reconnect, rolling or soak");
    private static readonly Option<double?> _maxGrowth = OptionKit.Optional<double?>("--max-growth",
        "soak: the most megabytes that the server's memory may grow by in an hour, after the first fifth of the time");

    /// <summary>In the order of the help.</summary>
    public static IEnumerable<Option> All =>
    [
        Scenarios, _url, _server, _serverPid, _insecure, _token, _during, _copies, _rate, _payload, _members, _connections,
        _heartbeatTimeout,
        _slow, _slowFor, _down, _backoff, _mostBackoff, _maxAway, _drainTimeout, _churn, _maxGrowth, _maxFailures, MaxP99, ReportFolder,
    ];

    /// <summary>The fault of the options; null if they have none.</summary>
    public static string? Problem(ParseResult parsed, IReadOnlyList<SuiteScenario> chosen)
    {
        SuiteScenario? starts = chosen.FirstOrDefault(static each => each.StartsServers);
        SuiteScenario? watches = chosen.FirstOrDefault(static each => each.WatchesServer);
        bool isStarted = parsed.GetValue(_server) is not null;
        return parsed.GetValue(_during) < _shortest ? "--for is 2s at least: copies begin at random times within the first second."
            : parsed.GetValue(_maxFailures) < 0 ? "--max-failures is 0 at least."
            : starts is not null && !isStarted ? $"{starts.Name} needs --server, the command of a server: it is ended under its clients."
            : watches is not null && !isStarted
                && parsed.GetValue(_serverPid) is null ? $"{watches.Name} needs --server or --server-pid: it watches the server's memory."
            : IsShared(chosen) && !isStarted && parsed.GetRequiredValue(_url).Port == 0 ? "Either --url with a port, or --server."
            : null;
    }

    /// <summary>How many failed iterations of a scenario end the run.</summary>
    public static int MaxFailures(ParseResult parsed, IReadOnlyList<SuiteScenario> chosen) => parsed.GetValue(_maxFailures) switch
    {
        0 => int.MaxValue,
        { } most => most,
        null => chosen.Any(static each => each.RunsThroughFailures) ? int.MaxValue : DefaultMaxFailures,
    };

    /// <summary>Starts what is to be started.</summary>
    public static async Task<SuiteSettings> SettingsAsync(ParseResult parsed, IReadOnlyList<SuiteScenario> chosen, SuiteServers servers)
    {
        servers.Command = parsed.GetValue(_server);
        Uri url = parsed.GetRequiredValue(_url);
        LocalServer? server = servers.Command is not null && IsShared(chosen) ? await servers.StartAsync(url.Port)
            : parsed.GetValue(_serverPid) is { } pid ? LocalServer.Running(pid)
            : null;
        SuiteTarget target = new(url, parsed.GetValue(_insecure), parsed.GetValue(_token));
        return new SuiteSettings
        {
            Target = server is { IsOurs: true } ? target.At(server.Port) : target,
            Server = server,
            Servers = servers,
            Copies = parsed.GetValue(_copies),
            Rate = parsed.GetValue(_rate),
            During = parsed.GetValue(_during),
            PayloadBytes = parsed.GetValue(_payload),
            Members = parsed.GetValue(_members),
            Connections = parsed.GetValue(_connections),
            HeartbeatTimeout = parsed.GetValue(_heartbeatTimeout),
            Slow = parsed.GetValue(_slow),
            SlowFor = parsed.GetValue(_slowFor),
            Down = parsed.GetValue(_down),
            Backoff = new Backoff(parsed.GetValue(_backoff), parsed.GetValue(_mostBackoff)),
            MaxAway = parsed.GetValue(_maxAway),
            DrainTimeout = parsed.GetValue(_drainTimeout),
            Churn = parsed.GetValue(_churn),
            MaxGrowth = parsed.GetValue(_maxGrowth),
        };
    }

    private static bool IsShared(IReadOnlyList<SuiteScenario> chosen) => chosen.Any(static each => !each.StartsServers);
}
