using System.CommandLine;
using System.CommandLine.Parsing;

namespace Weir.LoadTest.Steady;

/// <summary>The command line of <c>steady</c>.</summary>
internal static class SteadyCommand
{
    private static readonly Option<Uri> _url = new("--url")
    {
        Description = "A ws:// address whose query takes room=NAME, as /ws of the Host does",
        Required = true,
        CustomParser = static result => Parse(result),
    };

    private static readonly Option<int> _connections = Of("--connections", 1000, "Connections in all");
    private static readonly Option<int> _rooms = Of("--rooms", 50, "Rooms that are published to");
    private static readonly Option<int> _membersPerRoom = Of("--members-per-room", 10, "Receivers in each; one more publishes");
    private static readonly Option<double> _publishRate = Of("--publish-rate", 100.0, "Messages per second over all rooms");
    private static readonly Option<int> _payloadBytes = Of("--payload-bytes", 100, "Of each message, at least 16");
    private static readonly Option<int> _slow = Of("--slow", 0, "Connections that stop reading under a flood, read on later, and must be told 1009 \"too slow\"");
    private static readonly Option<double> _slowFor = Of("--slow-for", 10.0, "Seconds that they do not read");
    private static readonly Option<double> _hold = Of("--hold", 30.0, "Seconds of publishing after all are open");
    private static readonly Option<double> _openRate = Of("--open-rate", 0.0, "Connections begun per second; 0: as fast as the server answers");
    private static readonly Option<double> _patience = Of("--patience", 60.0, "Seconds without one more connection before opening gives up");
    private static readonly Option<bool> _expectDrain = Of("--expect-drain", false, "At the end wait for the server to close all with 1001; with --server-pid send it the SIGTERM");
    private static readonly Option<double> _drainTimeout = Of("--drain-timeout", 60.0, "Seconds that this may take");
    private static readonly Option<int?> _serverPid = Of<int?>("--server-pid", null, "The server's process on this machine, for its memory and processor time");
    private static readonly Option<double> _maxP99 = Of("--max-p99-ms", 0.0, "Fails when the 99th percentile of the latency is above; 0: any");
    private static readonly Option<double> _maxBytes = Of("--max-bytes-per-connection", 0.0, "Fails when the server's memory grew by more per connection; 0: any");

    public static Command Create()
    {
        Command command = new("steady", "Opens connections, joins rooms, publishes at a steady rate, and accounts for every delivery")
        {
            _url, _connections, _rooms, _membersPerRoom, _publishRate, _payloadBytes, _slow, _slowFor, _hold, _openRate,
            _patience, _expectDrain, _drainTimeout, _serverPid, _maxP99, _maxBytes,
        };
        command.SetAction(static parsed =>
        {
            SteadyOptions options = Read(parsed);
            if (options.Problem is { } problem)
            {
                Console.Error.WriteLine(problem);
                return 2;
            }

            try
            {
                return new SteadyRun(options, Console.Out).Execute();
            }
            catch (InvalidOperationException error)
            {
                Console.Error.WriteLine($"FAILED {error.Message}"); // out of descriptors, or the server has ended
                return 1;
            }
        });
        return command;
    }

    private static SteadyOptions Read(ParseResult parsed) => new(
        parsed.GetRequiredValue(_url),
        parsed.GetValue(_connections),
        parsed.GetValue(_rooms),
        parsed.GetValue(_membersPerRoom),
        parsed.GetValue(_publishRate),
        parsed.GetValue(_payloadBytes),
        parsed.GetValue(_slow),
        TimeSpan.FromSeconds(parsed.GetValue(_slowFor)),
        TimeSpan.FromSeconds(parsed.GetValue(_hold)),
        parsed.GetValue(_openRate),
        TimeSpan.FromSeconds(parsed.GetValue(_patience)),
        parsed.GetValue(_expectDrain),
        TimeSpan.FromSeconds(parsed.GetValue(_drainTimeout)),
        parsed.GetValue(_serverPid),
        parsed.GetValue(_maxP99),
        parsed.GetValue(_maxBytes));

    private static Uri? Parse(ArgumentResult result)
    {
        if (Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out Uri? url) && url.Scheme == "ws")
        {
            return url;
        }

        result.AddError($"'{result.Tokens[0].Value}' is no ws:// address.");
        return null;
    }

    private static Option<T> Of<T>(string name, T value, string description)
        => new(name) { Description = description, DefaultValueFactory = _ => value };
}
