using System.Collections.Concurrent;
using System.Diagnostics;
using Weir.LoadTest.Activities;
using Weir.LoadTest.Client;
using Weir.LoadTest.Measuring;
using Weir.LoadTest.Protocols;

namespace Weir.LoadTest.Workers;

/// <summary>
/// A share of all connections, from the first to the last. Everything happens on the thread that calls <see cref="Run"/>;
/// orders come from any other, and reports go out on this one.
/// </summary>
internal sealed class Worker : IClientEvents, IDisposable
{
    private static readonly TimeSpan _longestWait = TimeSpan.FromMilliseconds(50);

    // For what is in flight at the end, and for the closing handshakes.
    private static readonly TimeSpan _stragglers = TimeSpan.FromSeconds(15);

    // Between two checks for input: a worker with a million closing handshakes to begin must not leave Pings unanswered meanwhile.
    private const int ClosesAtOnce = 256;

    private readonly WorkerPlan _plan;
    private readonly Action<WorkerReport> _report;
    private readonly ConcurrentQueue<WorkerOrder> _orders = new();
    private readonly ClientLoop _loop;
    private readonly IProtocol _protocol;
    private readonly IActivity _activity;
    private readonly Crowd _crowd;
    private readonly Target[] _targets;
    private readonly byte[] _targetOf;
    private readonly Dictionary<string, Latency> _latencies = new()
    {
        [Counts.Handshake] = new Latency(),
        [Counts.Message] = new Latency(),
        [Counts.Outage] = new Latency(),
    };

    private readonly Pace _samples = Pace.Every(TimeSpan.FromSeconds(0.5));
    private Counts _counts = new();
    private TimeSpan _cpu = Environment.CpuUsage.TotalTime;
    private Phase _phase;
    private long _phaseBegan;
    private int _nextToClose;

    public Worker(WorkerPlan plan, Action<WorkerReport> report)
    {
        _plan = plan;
        _report = report;
        _targets = [.. plan.Urls.Select(url => new Target(url, plan.IsInsecure))];
        _targetOf = new byte[plan.Connections];
        _protocol = plan.IsCentrifugo ? new CentrifugoProtocol() : new RawProtocol();
        SourceAddresses sources = SourceAddresses.For(_targets[0].Address, plan.FirstNumber + plan.Connections, plan.Sources);
        _loop = new ClientLoop(_protocol, sources, this);
        _crowd = new Crowd(plan, _latencies[Counts.Handshake], _latencies[Counts.Outage]);
        WorkerContext context = new(plan, _loop, _protocol, _targets, _latencies[Counts.Message], () => _counts);
        _activity = plan.Activity switch
        {
            ActivityKind.Rooms => new RoomsActivity(context),
            ActivityKind.Echo => new EchoActivity(context),
            _ => new FloodActivity(context, new EchoActivity(context)),
        };
        for (int i = 0; i < plan.Connections; i++)
        {
            _targetOf[i] = (byte)((plan.FirstNumber + i) % _targets.Length);
        }
    }

    private enum Phase
    {
        Waiting,
        Opening,
        Opened,
        Active,
        Finishing,
        Settled,
        Ending,
        Stopped,
    }

    /// <summary>From any thread.</summary>
    public void Order(WorkerOrder order) => _orders.Enqueue(order);

    /// <summary>Returns when it is ordered to stop, or can't continue.</summary>
    public void Run()
    {
        try
        {
            while (_phase != Phase.Stopped)
            {
                while (_orders.TryDequeue(out WorkerOrder order))
                {
                    Obey(order);
                }

                _loop.Run(Go());
                Conclude();
                if (_samples.TryTake(out _))
                {
                    Report(WorkerEvent.Sample);
                }
            }
        }
        catch (InvalidOperationException error)
        {
            Report(WorkerEvent.Failed, error.Message); // out of descriptors
        }
    }

    public void Dispose() => _loop.Dispose();

    void IClientEvents.OnOpened(Connection connection)
    {
        if (IsOwn(connection))
        {
            _counts.Opened++;
            _counts.Reconnected += _crowd.OnOpened(connection.Number) ? 1 : 0;
        }

        _activity.OnOpened(connection);
    }

    void IClientEvents.OnRefused(Connection connection, string why)
    {
        if (!IsOwn(connection))
        {
            _activity.OnRefused(connection, why);
            return;
        }

        Counts.Count(_counts.Refused, why);
        GoElsewhere(connection.Number);
        _crowd.OnRefused(connection.Number);
    }

    void IClientEvents.OnMessage(Connection connection, ReadOnlySpan<byte> payload) => _activity.OnMessage(connection, payload);

    void IClientEvents.OnRead(Connection connection) => _activity.OnRead(connection);

    void IClientEvents.OnHeartbeat(Connection connection) => _counts.Heartbeats++;

    void IClientEvents.OnProblem(Connection connection, string what) => Counts.Count(_counts.Problems, what);

    void IClientEvents.OnEnded(Connection connection, ConnectionEnd end)
    {
        Counts.Count(_counts.Codes, end.Code);
        if (end.Code == ConnectionEnd.NoCloseFrame)
        {
            Counts.Count(_counts.WithoutCloseFrame, end.Reason);
        }

        EndKind kind = _phase == Phase.Ending ? EndKind.Meant : _activity.OnEnded(connection, end);
        if (IsOwn(connection))
        {
            GoElsewhere(connection.Number);
            _crowd.OnEnded(connection.Number, kind == EndKind.Leaves || (kind == EndKind.Lost && _plan.Reconnects));
            if (kind == EndKind.Lost)
            {
                Counts.Count(_counts.Lost, end.ToString());
            }
        }
    }

    private bool IsOwn(Connection connection) => connection.Number < _plan.Connections;

    private void GoElsewhere(int number) => _targetOf[number] = (byte)((_targetOf[number] + 1) % _targets.Length);

    private void Obey(WorkerOrder order)
    {
        switch (order)
        {
            case WorkerOrder.Open or WorkerOrder.OpenSome:
                Enter(Phase.Opening);
                _crowd.Begin(order == WorkerOrder.Open ? _plan.Connections : _plan.WarmUp);
                break;
            case WorkerOrder.Begin:
                Enter(Phase.Active);
                _activity.Begin();
                break;
            case WorkerOrder.Finish:
                Enter(Phase.Finishing);
                _activity.Finish();
                break;
            case WorkerOrder.Close or WorkerOrder.ExpectClose:
                Enter(Phase.Ending);
                _nextToClose = order == WorkerOrder.Close ? 0 : _plan.Connections;
                break;
            case WorkerOrder.Stop:
                _phase = Phase.Stopped;
                Report(WorkerEvent.Ended);
                break;
        }
    }

    private void Enter(Phase phase)
    {
        _phase = phase;
        _phaseBegan = Stopwatch.GetTimestamp();
    }

    private TimeSpan Go()
    {
        TimeSpan wait = _longestWait;
        if (_phase is not (Phase.Ending or Phase.Stopped))
        {
            while (_crowd.Next() is { } number)
            {
                Opening opening = _protocol.Open(
                    _targets[_targetOf[number]], _activity.RoomsOf(number), _plan.Token, _activity.ReceiveBufferOf(number));
                _loop.Open(number, _plan.FirstNumber + number, opening);
            }

            wait = _crowd.IsHeldBack ? wait : Least(wait, _crowd.Wait);
        }

        return _phase switch
        {
            Phase.Active or Phase.Finishing => Least(wait, _activity.Go()),
            Phase.Ending when CloseSome() => TimeSpan.Zero,
            _ => wait,
        };
    }

    // Whether more are to be closed.
    private bool CloseSome()
    {
        int last = Math.Min(_plan.Connections, _nextToClose + ClosesAtOnce);
        while (_nextToClose < last)
        {
            _loop[_nextToClose++]?.SendClose(1000);
        }

        return last < _plan.Connections;
    }

    private void Conclude()
    {
        TimeSpan passed = Stopwatch.GetElapsedTime(_phaseBegan);
        if (_phase == Phase.Opening && (_crowd.AreAllOpen || _crowd.HasGivenUp))
        {
            Enter(Phase.Opened);
            Report(_crowd.AreAllOpen ? WorkerEvent.Opened : WorkerEvent.GaveUp);
        }
        else if (_phase == Phase.Finishing && ((_crowd.IsIdle && (_activity.IsSettled || _crowd.Open == 0)) || passed > _stragglers))
        {
            Enter(Phase.Settled);
            Report(WorkerEvent.Settled);
        }
        else if (_phase == Phase.Ending && _loop.Count == 0)
        {
            Enter(Phase.Waiting);
            Report(WorkerEvent.Ended);
        }
    }

    private void Report(WorkerEvent what, string? text = null)
    {
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        _counts.CpuSeconds = (cpu - _cpu).TotalSeconds;
        _cpu = cpu;
        foreach ((string name, Latency latency) in _latencies)
        {
            if (latency.Count > 0)
            {
                _counts.Latencies[name] = latency.Take();
            }
        }

        Counts counts = _counts;
        _counts = new Counts();
        _report(new WorkerReport(what, _crowd.Open, counts, text));
    }

    private static TimeSpan Least(TimeSpan first, TimeSpan second) => first < second ? first : second;
}
