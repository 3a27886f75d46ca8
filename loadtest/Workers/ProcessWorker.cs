using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Weir.LoadTest.Workers;

/// <summary>
/// A worker in a process of its own, which is this program again: it reads its plan and its orders from standard input and
/// writes its reports to standard output, a line of JSON each. When either end goes the other does too.
/// </summary>
internal sealed class ProcessWorker : IWorkerLink
{
    /// <summary>The subcommand, for no person to use.</summary>
    public const string Command = "worker";

    private readonly Process _process;
    private readonly Task _reading;

    public ProcessWorker(WorkerPlan plan, Action<WorkerReport> report)
    {
        string[] arguments = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet"
            ? [typeof(ProcessWorker).Assembly.Location, Command]
            : [Command];
        _process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        _process.StandardInput.WriteLine(JsonSerializer.Serialize(plan));
        _process.StandardInput.Flush();
        _reading = Task.Run(() => ReadAsync(report));
    }

    /// <summary>What the child does.</summary>
    public static int Serve(TextReader input, TextWriter output)
    {
        WorkerPlan plan = JsonSerializer.Deserialize<WorkerPlan>(input.ReadLine() ?? "null")
            ?? throw new InvalidDataException("A worker is started by this program alone.");
        // Ctrl-C at a terminal is sent to all processes: the leading one decides about the others.
        using PosixSignalRegistration interrupt =
            PosixSignalRegistration.Create(PosixSignal.SIGINT, static context => context.Cancel = true);
        using PosixSignalRegistration terminate =
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, static context => context.Cancel = true);
        using Worker worker = new(plan, report =>
        {
            output.WriteLine(JsonSerializer.Serialize(report));
            output.Flush();
        });
        Thread orders = new(() =>
        {
            while (input.ReadLine() is { } line)
            {
                worker.Order(Enum.Parse<WorkerOrder>(line));
            }

            worker.Order(WorkerOrder.Stop); // the process that gives orders has ended
        })
        { IsBackground = true };
        orders.Start();
        worker.Run();
        return 0;
    }

    public void Order(WorkerOrder order)
    {
        try
        {
            _process.StandardInput.WriteLine(order);
            _process.StandardInput.Flush();
        }
        catch (IOException)
        {
            // It has ended: its last report, or the end of its reports, shows it.
        }
    }

    public async ValueTask DisposeAsync()
    {
        Order(WorkerOrder.Stop);
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(10));
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
        }

        await _reading;
        _process.Dispose();
    }

    private async Task ReadAsync(Action<WorkerReport> report)
    {
        bool hasEnded = false;
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            WorkerReport each = JsonSerializer.Deserialize<WorkerReport>(line)!;
            hasEnded = each.Event is WorkerEvent.Ended or WorkerEvent.Failed;
            report(each);
        }

        if (!hasEnded)
        {
            report(new WorkerReport(WorkerEvent.Failed, 0, new Measuring.Counts(), "A worker's process has ended."));
        }
    }
}
