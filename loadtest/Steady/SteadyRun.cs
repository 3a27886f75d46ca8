using System.Diagnostics;
using Weir.LoadTest.Client;
using Weir.LoadTest.Measuring;

namespace Weir.LoadTest.Steady;

/// <summary>One run from the first connection to the verdict; all of it on the calling thread.</summary>
internal sealed class SteadyRun : IClientEvents
{
    private static readonly TimeSpan _longestWait = TimeSpan.FromMilliseconds(50);

    // For what is in flight at the end, and for the closing handshakes.
    private static readonly TimeSpan _stragglers = TimeSpan.FromSeconds(15);

    // Between the last handshake and the look at the server's memory: what was garbage then may be gone.
    private static readonly TimeSpan _settling = TimeSpan.FromSeconds(3);

    private readonly SteadyOptions _options;
    private readonly TextWriter _output;
    private readonly RoomPlan _plan;
    private readonly DeliveryLedger _ledger;
    private readonly SlowEpisode _slow;
    private readonly Opener _opener;
    private readonly Connection[] _connections;
    private readonly ServerProcess? _server;
    private readonly SortedDictionary<int, int> _codes = [];
    private readonly Dictionary<string, int> _lost = [];
    private bool _isEnding;

    public SteadyRun(SteadyOptions options, TextWriter output)
    {
        _options = options;
        _output = output;
        _plan = new RoomPlan(options);
        _ledger = new DeliveryLedger(_plan, options);
        _slow = new SlowEpisode(_plan, options);
        _opener = new Opener(options.Connections, options.OpenRate, options.Patience);
        _connections = new Connection[options.Connections];
        _server = options.ServerPid is { } pid ? new ServerProcess(pid) : null;
    }

    /// <returns>0 when all demands were met, else 1.</returns>
    public int Execute()
    {
        Target target = new(_options.Url);
        SourceAddresses sources = new(target.Address, _options.Connections);
        _output.WriteLine(
            $"{_options.Connections:N0} connections to {_options.Url} from {sources.Count} addresses; {_options.Rooms:N0} rooms of "
            + $"{_options.MembersPerRoom:N0}, {_options.PublishRate:N0} messages/s of {_options.PayloadBytes} B; {_options.Slow} slow");
        using ClientLoop loop = new(target, sources, this);
        Verdict verdict = new(_output);
        long resident = _server?.ResidentBytes ?? 0;
        Open(loop);
        RunFor(loop, _settling, static () => false);
        double perConnection = _server is null ? 0 : (double)(_server.ResidentBytes - resident) / _options.Connections;
        if (_server is not null)
        {
            _output.WriteLine(
                $"server memory {resident / 1e6:N0} -> {_server.ResidentBytes / 1e6:N0} MB, {perConnection:N0} bytes per connection");
        }

        verdict.Require(_opener.IsDone, $"{_opener.Opened:N0} of {_options.Connections:N0} opened");
        if (!_opener.IsDone)
        {
            return verdict.ExitCode;
        }

        Hold(loop);
        int left = loop.Count;
        End(loop);
        Judge(verdict, left, loop.Count, perConnection);
        return verdict.ExitCode;
    }

    void IClientEvents.OnOpened(Connection connection) => _opener.OnOpened();

    void IClientEvents.OnRefused(Connection connection, string why) => _opener.OnRefused(connection.Number, why);

    void IClientEvents.OnMessage(Connection connection, ReadOnlySpan<byte> payload)
    {
        (long due, int room, int number) = RoomMessage.Read(payload);
        if (_plan.IsSlow(connection.Number))
        {
            _slow.Deliver(connection.Number, number);
        }
        else
        {
            _ledger.Deliver(connection.Number, due, room, number);
        }
    }

    void IClientEvents.OnEnded(Connection connection, ConnectionEnd end)
    {
        _codes[end.Code] = _codes.GetValueOrDefault(end.Code) + 1;
        if (_plan.IsSlow(connection.Number))
        {
            _slow.End(end);
        }
        else if (!_isEnding)
        {
            string how = $"{end.Code} {end.Reason}";
            _lost[how] = _lost.GetValueOrDefault(how) + 1;
            if (_plan.IsMember(connection.Number))
            {
                _ledger.Lose(connection.Number);
            }
        }
    }

    private void Open(ClientLoop loop)
    {
        CpuUse use = new(_server);
        long began = Stopwatch.GetTimestamp();
        Pace progress = Every(TimeSpan.FromSeconds(5));
        while (!_opener.IsDone && !_opener.HasGivenUp)
        {
            while (_opener.Next() is { } number)
            {
                _connections[number] = loop.Open(
                    number, _plan.QueryOf(number), _plan.IsSlow(number) ? SlowEpisode.ReceiveBufferBytes : null);
            }

            loop.Run(TimeSpan.FromMilliseconds(1));
            if (progress.TryTake(out _))
            {
                _output.WriteLine($"  {_opener.Opened:N0} open");
            }
        }

        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        _output.WriteLine($"opened {_opener.Opened:N0} in {seconds:N1} s, {_opener.Opened / seconds:N0}/s; CPU: {use}");
        WriteCounts("refused and tried again", _opener.Refusals);
    }

    private void Hold(ClientLoop loop)
    {
        CpuUse use = new(_server);
        long began = Stopwatch.GetTimestamp();
        Pace publishing = new(_options.PublishRate);
        Pace progress = Every(TimeSpan.FromSeconds(30));
        RoomMessage message = new(_options.PayloadBytes);
        long mostResident = 0;
        int room = 0;
        _slow.Begin(_connections);
        while (Stopwatch.GetElapsedTime(began) < _options.Hold)
        {
            while (!_connections[RoomPlan.PublisherOf(room)].IsBackedUp && publishing.TryTake(out long due))
            {
                _connections[RoomPlan.PublisherOf(room)].Send(message.Stamp(due, room, _ledger.Publish(room)));
                room = (room + 1) % _options.Rooms;
            }

            _slow.Go(_connections);
            loop.Run(Least(publishing.Wait, _slow.Wait, _longestWait));
            if (progress.TryTake(out _))
            {
                mostResident = Math.Max(mostResident, _server?.ResidentBytes ?? 0);
                _output.WriteLine($"  {loop.Count:N0} open, {_ledger.Got:N0} of {_ledger.Expected:N0} deliveries");
            }
        }

        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        RunFor(loop, _stragglers, () => _ledger.Got == _ledger.Expected && _slow.IsOver);
        mostResident = Math.Max(mostResident, _server?.ResidentBytes ?? 0);
        _output.WriteLine(
            $"held {loop.Count:N0} for {seconds:N0} s: {_ledger.Published:N0} published, {_ledger.Got / seconds:N0} deliveries/s; CPU: {use}"
            + (_server is null ? "" : $"; server memory at most {mostResident / 1e6:N0} MB"));
        _output.WriteLine(
            $"latency p50 {_ledger.LatencyAt(50):N2} ms, p90 {_ledger.LatencyAt(90):N2}, p99 {_ledger.LatencyAt(99):N2}, "
            + $"p99.9 {_ledger.LatencyAt(99.9):N2}, most {_ledger.LatencyAt(100):N2}");
    }

    // Either the server closes all, or we do.
    private void End(ClientLoop loop)
    {
        _isEnding = true;
        _codes.Clear();
        long began = Stopwatch.GetTimestamp();
        if (_options.ExpectDrain)
        {
            _output.WriteLine("ready for the server to drain");
            _server?.Terminate();
        }
        else
        {
            foreach (Connection connection in _connections)
            {
                connection.SendClose(1000);
            }
        }

        RunFor(loop, _options.ExpectDrain ? _options.DrainTimeout : _stragglers, () => loop.Count == 0);
        _output.WriteLine(
            $"ended in {Stopwatch.GetElapsedTime(began).TotalSeconds:N1} s; codes: "
            + string.Join(", ", _codes.Select(static each => $"{each.Key} x {each.Value:N0}")));
    }

    private void Judge(Verdict verdict, int held, int left, double perConnection)
    {
        int lost = _lost.Values.Sum();
        WriteCounts("lost", _lost);
        verdict.Require(lost == 0, $"{lost:N0} lost while held");
        verdict.Require(
            _ledger.Got == _ledger.Expected && _ledger.Misplaced == 0,
            $"{_ledger.Got:N0} of {_ledger.Expected:N0} deliveries, {_ledger.Misplaced:N0} twice or out of order");
        if (_options.Slow > 0)
        {
            verdict.Require(
                _slow.Told == _options.Slow && !_slow.HasGap,
                $"{_slow.Told:N0} of {_options.Slow:N0} slow ones read on and were told 1009 \"too slow\"{(_slow.HasGap ? ", but behind a gap" : "")}");
        }

        int code = _options.ExpectDrain ? 1001 : 1000;
        int ended = _codes.GetValueOrDefault(code);
        verdict.Require(left == 0 && ended == held, $"{ended:N0} of {held:N0} ended with {code}, {left:N0} did not end");
        if (_options.MaxP99Milliseconds > 0)
        {
            verdict.Require(_ledger.LatencyAt(99) <= _options.MaxP99Milliseconds, $"p99 at most {_options.MaxP99Milliseconds} ms");
        }

        if (_options.MaxBytesPerConnection > 0 && _server is not null)
        {
            verdict.Require(perConnection <= _options.MaxBytesPerConnection, $"at most {_options.MaxBytesPerConnection:N0} bytes per connection");
        }
    }

    private static void RunFor(ClientLoop loop, TimeSpan limit, Func<bool> isDone)
    {
        long began = Stopwatch.GetTimestamp();
        while (!isDone() && Stopwatch.GetElapsedTime(began) < limit)
        {
            loop.Run(_longestWait);
        }
    }

    private static Pace Every(TimeSpan interval)
    {
        Pace pace = new(1 / interval.TotalSeconds);
        pace.TryTake(out _); // the first would be due at once
        return pace;
    }

    private static TimeSpan Least(TimeSpan first, TimeSpan second, TimeSpan third)
        => TimeSpan.FromTicks(Math.Min(first.Ticks, Math.Min(second.Ticks, third.Ticks)));

    private void WriteCounts(string what, IReadOnlyDictionary<string, int> counts)
    {
        foreach ((string each, int count) in counts)
        {
            _output.WriteLine($"  {what}: {count:N0} x {each}");
        }
    }
}
