using System.Diagnostics;
using Weir.LoadTest.Client;
using Weir.LoadTest.Workers;

namespace Weir.LoadTest.Activities;

/// <summary>
/// Connections are in rooms. Some publish, at a rate or with so many messages under way; some stop reading; some leave and come
/// back; or all are idle. Every delivery is accounted for.
/// </summary>
internal sealed class RoomsActivity : IActivity
{
    private readonly WorkerContext _context;
    private readonly WorkerPlan _settings;
    private readonly RoomPlan _plan;
    private readonly DeliveryLedger _ledger;
    private readonly SlowEpisode _slow;
    private readonly StampedFrame[] _frames;
    private Pace _publishing = new(0);
    private Pace _leaving = new(0);
    private readonly HashSet<int> _disconnected = [];
    private readonly HashSet<int> _left = [];
    private bool _isActive;
    private int _nextToLeave;
    private int _room;

    public RoomsActivity(WorkerContext context)
    {
        _context = context;
        _settings = context.Plan;
        _plan = new RoomPlan(_settings);
        if (_plan.Problem is { } problem)
        {
            throw new InvalidOperationException(problem);
        }

        _ledger = new DeliveryLedger(_plan, _settings);
        _slow = new SlowEpisode(_plan, context);
        _frames = [.. Enumerable.Range(0, _settings.Rooms)
            .Select(room => context.Protocol.Publish(_plan.NameOf(room), _settings.PayloadBytes))];
    }

    public bool IsSettled => _ledger.Got >= _ledger.Expected && _slow.IsOver;

    private bool IsWindowed => _settings.Window > 0;

    public IReadOnlyList<string> RoomsOf(int number) => _plan.RoomsOf(number);

    public int? ReceiveBufferOf(int number) => _plan.IsSlow(number) ? SlowClient.ReceiveBufferBytes : null;

    public void Begin()
    {
        _isActive = true;
        _publishing = new Pace(IsWindowed ? 0 : _settings.PublishRate);
        _leaving = Pace.Every(TimeSpan.FromSeconds(_settings.ChurnRate > 0 ? 1 / _settings.ChurnRate : 1e6));
        _slow.Begin();
        Publish();
    }

    public TimeSpan Go()
    {
        TimeSpan wait = _slow.Go();
        if (!_isActive)
        {
            return wait;
        }

        while (_leaving.TryTake(out _))
        {
            CloseNext();
        }

        Publish();
        wait = _publishing.Wait < wait ? _publishing.Wait : wait;
        return _leaving.Wait < wait ? _leaving.Wait : wait;
    }

    public void Finish()
    {
        _isActive = false;
        _slow.ReadOn();
    }

    public void OnOpened(Connection connection)
    {
        if (_disconnected.Remove(connection.Number))
        {
            _ledger.Return(connection.Number);
        }
    }

    public void OnMessage(Connection connection, ReadOnlySpan<byte> payload)
    {
        if (!Stamp.TryRead(payload, out Stamp stamp))
        {
            _context.Counts.Misplaced++;
        }
        else if (_plan.IsSlow(connection.Number))
        {
            _slow.Deliver(connection.Number, stamp.Number);
        }
        else if (!_settings.IsCentrifugo || _plan.IsMember(connection.Number))
        {
            bool isRight = _ledger.TryDeliver(connection.Number, stamp);
            _context.Counts.Received += isRight ? 1 : 0;
            _context.Counts.Misplaced += isRight ? 0 : 1;
            if (isRight)
            {
                _context.Messages.RecordSince(stamp.Due);
            }
        }
    }

    public EndKind OnEnded(Connection connection, ConnectionEnd end)
    {
        if (_plan.IsSlow(connection.Number))
        {
            _slow.End(connection.Number, end);
            return EndKind.Meant;
        }

        if (_left.Remove(connection.Number))
        {
            return EndKind.Leaves;
        }

        if (_plan.IsMember(connection.Number) && _disconnected.Add(connection.Number))
        {
            _ledger.Lose(connection.Number);
        }

        return EndKind.Lost;
    }

    // One without deliveries, so that no delivery is in doubt.
    private void CloseNext()
    {
        if (_plan.IdleConnections is { Count: > 0 } idle)
        {
            int number = idle.First + (_nextToLeave++ % idle.Count);
            if (_context.Loop[number] is { IsOpen: true } connection && _left.Add(number))
            {
                connection.SendClose(1000);
            }
        }
    }

    private void Publish()
    {
        if (IsWindowed)
        {
            FillWindow();
            return;
        }

        while (_isActive && _settings.Rooms > 0 && _context.Loop[_room] is { IsOpen: true, IsBackedUp: false }
            && _publishing.TryTake(out long due))
        {
            Publish(_room, due);
            _room = (_room + 1) % _settings.Rooms;
        }
    }

    private void FillWindow()
    {
        for (int room = 0; _isActive && room < _settings.Rooms; room++)
        {
            while (_ledger.UnderWay(room) <= (_settings.Window - 1L) * _settings.MembersPerRoom
                && _context.Loop[room] is { IsOpen: true, IsBackedUp: false })
            {
                Publish(room, Stopwatch.GetTimestamp());
            }
        }
    }

    private void Publish(int room, long due)
    {
        long before = _ledger.Expected;
        _context.Loop[RoomPlan.PublisherOf(room)]!.Send(_frames[room].With(new Stamp(due, room, _ledger.Publish(room))));
        _context.Counts.Sent++;
        _context.Counts.Expected += _ledger.Expected - before;
    }
}
