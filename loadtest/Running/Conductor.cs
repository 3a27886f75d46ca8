using System.Diagnostics;
using System.Threading.Channels;
using Weir.LoadTest.Measuring;
using Weir.LoadTest.Workers;

namespace Weir.LoadTest.Running;

/// <summary>
/// Leads the workers through a run and keeps its record: phases, and a sample for every second. All on the caller's flow; what
/// comes from workers, the clock and the terminal passes through one queue.
/// </summary>
internal sealed class Conductor : IAsyncDisposable
{
    private static readonly TimeSpan _tick = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan _sampleEvery = TimeSpan.FromSeconds(1);

    // A server compiles what it uses most, and gives memory back, after an idle time.
    private static readonly TimeSpan _rest = TimeSpan.FromSeconds(5);

    private readonly Channel<Notice> _notices = Channel.CreateUnbounded<Notice>(new UnboundedChannelOptions { SingleReader = true });
    private readonly List<IWorkerLink> _workers = [];
    private readonly Timer _clock;
    private readonly int[] _open;
    private readonly WorkerEvent[] _lastEvents;
    private readonly List<PhaseRecord> _phases = [];
    private readonly List<Sample> _samples = [];
    private readonly IView _view;
    private readonly long _began = Stopwatch.GetTimestamp();
    private PhaseRecord _second = new("");
    private double _serverCpuOfSecond;
    private long _lost;
    private bool _isEnding;

    public Conductor(IReadOnlyList<WorkerPlan> plans, IReadOnlyList<LocalServer> servers, IView view)
    {
        Servers = servers;
        _view = view;
        _open = new int[plans.Count];
        _lastEvents = new WorkerEvent[plans.Count];
        Connections = plans.Sum(static plan => plan.Connections);
        BeginPhase("start");
        for (int i = 0; i < plans.Count; i++)
        {
            int worker = i;
            void Report(WorkerReport report) => _notices.Writer.TryWrite(new Notice(worker, report));
            _workers.Add(plans.Count == 1 ? new ThreadWorker(plans[i], Report) : new ProcessWorker(plans[i], Report));
        }

        _clock = new Timer(_ => _notices.Writer.TryWrite(new Notice(-1, null)), null, _tick, _tick);
    }

    public IReadOnlyList<LocalServer> Servers { get; }

    public IReadOnlyList<PhaseRecord> Phases => _phases;

    public IReadOnlyList<Sample> Samples => _samples;

    public PhaseRecord Phase => _phases[^1];

    public int Connections { get; }

    /// <summary>Connections that are open.</summary>
    public int Open => _open.Sum();

    /// <summary>Resident memory of all servers; null when they are elsewhere.</summary>
    public long? ServerBytes => Servers.Count == 0 ? null : Servers.Sum(static server => server.ResidentBytes);

    /// <summary>
    /// From any thread: the run is to end now, with an <see cref="OperationCanceledException"/> out of what it waits for.
    /// </summary>
    public void Interrupt() => _notices.Writer.TryWrite(new Notice(-1, null, IsInterrupt: true));

    /// <summary>What comes from now on is another phase's.</summary>
    public PhaseRecord BeginPhase(string name)
    {
        EndPhase();
        _phases.Add(new PhaseRecord(name) { ServerBytesBefore = ServerBytes, ServerCpuSeconds = Servers.Count == 0 ? null : 0 });
        return Phase;
    }

    /// <summary>Opens all connections.</summary>
    /// <returns>False when some could not be opened.</returns>
    public async Task<bool> OpenAsync(string phase = "open")
    {
        BeginPhase(phase);
        await OrderAsync(WorkerOrder.Open, TimeSpan.MaxValue, WorkerEvent.Opened, WorkerEvent.GaveUp);
        EndPhase();
        return _lastEvents.All(static each => each == WorkerEvent.Opened);
    }

    /// <summary>Opens some, and closes them again, so often.</summary>
    public async Task WarmUpAsync(int times)
    {
        for (int i = 0; i < times; i++)
        {
            BeginPhase("warm up");
            await OrderAsync(WorkerOrder.OpenSome, TimeSpan.MaxValue, WorkerEvent.Opened, WorkerEvent.GaveUp);
            await RestAsync(_rest);
            await OrderAsync(WorkerOrder.Close, TimeSpan.FromMinutes(1), WorkerEvent.Ended);
            await RestAsync(_rest);
        }
    }

    /// <summary>Begins what connections are there for.</summary>
    public void Begin(string phase)
    {
        BeginPhase(phase);
        Order(WorkerOrder.Begin);
    }

    /// <summary>Stops sending, and waits for messages under way.</summary>
    public Task FinishAsync() => OrderAsync(WorkerOrder.Finish, TimeSpan.FromMinutes(1), WorkerEvent.Settled);

    /// <summary>Closes all connections, or waits for the server to.</summary>
    public async Task CloseAsync(bool byServer, TimeSpan limit)
    {
        BeginPhase("close");
        await OrderAsync(byServer ? WorkerOrder.ExpectClose : WorkerOrder.Close, limit, WorkerEvent.Ended);
        EndPhase();
    }

    /// <summary>Waits, unless no client is connected any more.</summary>
    public Task HoldAsync(TimeSpan time) => UntilAsync(() => Open == 0, time);

    /// <summary>Waits.</summary>
    public Task RestAsync(TimeSpan time) => UntilAsync(static () => false, time);

    /// <summary>Waits for work elsewhere, and continues the record meanwhile.</summary>
    public async Task WhileAsync(Task task)
    {
        await UntilAsync(() => task.IsCompleted, TimeSpan.MaxValue);
        await task;
    }

    /// <summary>Waits until it is so.</summary>
    /// <returns>False: it was not in time.</returns>
    public async Task<bool> UntilAsync(Func<bool> isSo, TimeSpan limit)
    {
        long began = Stopwatch.GetTimestamp();
        while (!isSo())
        {
            if (Stopwatch.GetElapsedTime(began) >= limit)
            {
                return false;
            }

            await TakeNoticeAsync();
        }

        return true;
    }

    /// <summary>Ends all workers and takes their last reports.</summary>
    public async ValueTask DisposeAsync()
    {
        _isEnding = true;
        await _clock.DisposeAsync();
        foreach (IWorkerLink worker in _workers)
        {
            await worker.DisposeAsync();
        }

        while (_notices.Reader.TryRead(out Notice notice))
        {
            if (notice.Report is { } report)
            {
                Take(notice.Worker, report);
            }
        }

        TakeSample();
        EndPhase();
    }

    private async Task OrderAsync(WorkerOrder order, TimeSpan limit, params WorkerEvent[] answers)
    {
        Array.Fill(_lastEvents, WorkerEvent.Sample);
        Order(order);
        await UntilAsync(() => Array.TrueForAll(_lastEvents, each => answers.Contains(each)), limit);
    }

    private void Order(WorkerOrder order)
    {
        foreach (IWorkerLink worker in _workers)
        {
            worker.Order(order);
        }
    }

    private async Task TakeNoticeAsync()
    {
        Notice notice = await _notices.Reader.ReadAsync();
        if (notice.IsInterrupt)
        {
            throw new OperationCanceledException("Interrupted.");
        }

        if (notice.Report is { } report)
        {
            Take(notice.Worker, report);
        }

        if (_second.Seconds >= _sampleEvery.TotalSeconds)
        {
            TakeSample();
        }
    }

    private void Take(int worker, WorkerReport report)
    {
        _open[worker] = report.Open;
        _second.Add(report.Counts);
        Phase.Add(report.Counts);
        _lost += report.Counts.Lost.Values.Sum();
        if (report.Event == WorkerEvent.Failed && !_isEnding)
        {
            throw new InvalidOperationException(report.Text);
        }

        _lastEvents[worker] = report.Event == WorkerEvent.Sample ? _lastEvents[worker] : report.Event;
    }

    private void TakeSample()
    {
        _second.End();
        double seconds = _second.Seconds;
        Counts counts = _second.Counts;
        Latency messages = _second.Latencies[Counts.Message];
        Latency handshakes = _second.Latencies[Counts.Handshake];
        TakeServer();
        double? serverCpu = Servers.Count == 0 ? null : _serverCpuOfSecond / seconds;
        _serverCpuOfSecond = 0;
        Sample sample = new(
            Stopwatch.GetElapsedTime(_began).TotalSeconds, Phase.Name, Open, counts.Opened / seconds, counts.Sent / seconds,
            counts.Received / seconds, counts.Heartbeats / seconds, counts.Refused.Values.Sum() / seconds,
            counts.Rebuffs.Values.Sum() / seconds, _lost, handshakes.At(50), handshakes.At(99), messages.At(50), messages.At(90),
            messages.At(99), messages.At(99.9), messages.At(100), counts.CpuSeconds / seconds, serverCpu, ServerBytes);
        _samples.Add(sample);
        _second = new PhaseRecord("");
        _view.Show(sample);
    }

    // Adds what the servers have used to the phase and to the second.
    private void TakeServer()
    {
        if (Servers.Count > 0 && _phases.Count > 0)
        {
            double used = Servers.Sum(static server => server.TakeCpuTime().TotalSeconds);
            _serverCpuOfSecond += used;
            Phase.ServerCpuSeconds += used;
            Phase.ServerBytesMost = Math.Max(Phase.ServerBytesMost ?? 0, ServerBytes ?? 0);
        }
    }

    private void EndPhase()
    {
        TakeServer();
        if (_phases.Count > 0)
        {
            Phase.ServerBytesAfter ??= ServerBytes;
            Phase.End();
        }
    }

    /// <summary>A report, a tick of the clock, or the wish to end.</summary>
    private readonly record struct Notice(int Worker, WorkerReport? Report, bool IsInterrupt = false);
}
