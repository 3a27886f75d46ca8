using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using Weir.Testing;

namespace Weir.TestSupport.Processes;

/// <summary>The Host as its operator runs it: <c>dotnet Weir.Host.dll</c>, a process of its own.</summary>
public sealed partial class HostProcess : IAsyncDisposable
{
    private const string UpLine = "Weir is up. Point a browser at ";

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();
    private readonly TaskCompletionSource _up = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private HostProcess(string[] arguments, IReadOnlyDictionary<string, string> environment)
    {
        ProcessStartInfo start = new("dotnet", [Repository.HostAssembly, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string inherited in start.Environment.Keys.Where(IsSetting).ToArray())
        {
            start.Environment.Remove(inherited); // the machine's own settings are not under test
        }

        // No Ping at a random time: a test reads exactly what it made the server send.
        start.Environment["Weir__Heartbeat__Interval"] = "0";
        start.Environment["Weir__WarmUp"] = "false"; // it takes as long as the start itself
        start.Environment["Weir__Transport"] = TransportUnderTest.Name;
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Take(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Take(_errors, line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public string Output => TextOf(_output);

    public string Errors => TextOf(_errors);

    /// <summary>
    /// The first lines of its warnings and errors, without the warnings that only report how busy the machine is: the timer wheel's
    /// overrun, a loop handed off, Kestrel's late heartbeat.
    /// </summary>
    public IEnumerable<string> Warnings => Output.Split('\n').Where(static line => WarningLine.IsMatch(line) && !BusyLine.IsMatch(line));

    /// <summary>Where it listens, in the order of its own report.</summary>
    public IReadOnlyList<Uri> Addresses =>
    [
        .. Output.Split('\n').Where(static line => line.StartsWith(UpLine, StringComparison.Ordinal))
            .Select(static line => new Uri(line[UpLine.Length..])),
    ];

    /// <summary>The first port.</summary>
    public int Port => Addresses[0].Port;

    /// <summary>Starts it on a port of the system's choice and waits until it is up.</summary>
    public static Task<HostProcess> StartAsync(params (string Name, string Value)[] environment) =>
        StartWithAsync(["--urls", "http://127.0.0.1:0"], environment);

    /// <inheritdoc cref="StartAsync"/>
    public static async Task<HostProcess> StartWithAsync(string[] arguments, params (string Name, string Value)[] environment)
    {
        HostProcess host = new(arguments, environment.ToDictionary(static pair => pair.Name, static pair => pair.Value));
        try
        {
            Task first = await Task.WhenAny(host._up.Task, host._process.WaitForExitAsync())
                .Within(Bounded.StartLimit, "start of the Host");
            return first == host._up.Task ? host : throw new InvalidOperationException(
                $"The Host did not start:{Environment.NewLine}{host.Output}{host.Errors}");
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs one that is expected to end by itself.</summary>
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(
        string[] arguments, params (string Name, string Value)[] environment)
    {
        await using HostProcess host = new(arguments, environment.ToDictionary(static pair => pair.Name, static pair => pair.Value));
        int exitCode = await host.ExitAsync(Bounded.StartLimit);
        return (exitCode, host.Output, host.Errors);
    }

    public Task<RawClient> ConnectAsync(bool tls = false) => RawClient.ConnectAsync("127.0.0.1", Port, tls);

    /// <summary>Connects, upgrades and waits until the handler has opened the connection, and so joined its rooms.</summary>
    public async Task<RawClient> OpenAsync(string target, string headers = "", bool tls = false)
    {
        RawClient client = await ConnectAsync(tls);
        await client.HandshakeAsync(target, headers, $"127.0.0.1:{Port}");
        await client.SettleAsync();
        return client;
    }

    /// <summary>Requests its end, as an operator or an orchestrator does.</summary>
    public void Terminate() => Signals.Terminate(Id);

    /// <summary>Ends it as a crash would.</summary>
    public void Kill() => Signals.Kill(Id);

    /// <summary>Takes it off the processor: its connections stay, and no answer comes on them.</summary>
    public void Stop() => Signals.Suspend(Id);

    /// <summary>Continues it after <see cref="Stop"/>.</summary>
    public void Continue() => Signals.Continue(Id);

    /// <summary>Waits for the end, which must come in time, and returns how it ended.</summary>
    public async Task<int> ExitAsync(TimeSpan? limit = null)
    {
        await _process.WaitForExitAsync().Within(limit, "end of the Host"); // and of its output
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync().Within();
        }

        _process.Dispose();
        _http.Dispose();
    }

    [GeneratedRegex("^(warn|fail|crit): ")]
    private static partial Regex WarningLine { get; }

    [GeneratedRegex(@"^warn: (Weir\S*\[400\]|Weir\.Transport\[501\]|Microsoft\.AspNetCore\.Server\.Kestrel\S*\[22\])")]
    private static partial Regex BusyLine { get; }

    private static bool IsSetting(string name) =>
        name.StartsWith("ASPNETCORE_", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("Weir__", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("Kestrel__", StringComparison.OrdinalIgnoreCase);

    private static string TextOf(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }

    private void Take(StringBuilder text, string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (text)
        {
            text.Append(line).Append('\n');
        }

        if (line.StartsWith(UpLine, StringComparison.Ordinal))
        {
            _up.TrySetResult();
        }
    }
}
