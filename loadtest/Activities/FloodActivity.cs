using Weir.LoadTest.Client;
using Weir.LoadTest.Measuring;
using Weir.LoadTest.Workers;

namespace Weir.LoadTest.Activities;

/// <summary>
/// Openings that have to be refused, one after another, beside good connections that continue their work. The waits of
/// these are the cost of the flood; each accepted one of the others is a failure.
/// </summary>
internal sealed class FloodActivity : IActivity
{
    /// <summary>The name of an accepted bad opening in <see cref="Counts.Problems"/>.</summary>
    public const string AcceptedBad = "let in";

    private readonly WorkerContext _context;
    private readonly EchoActivity _good;
    private readonly IReadOnlyList<Opening> _openings;

    // Numbers above those of the good.
    private readonly Queue<int> _free;
    private Pace _pace = new(0);
    private bool _isActive;
    private int _begun;
    private int _underWay;

    public FloodActivity(WorkerContext context, EchoActivity good)
    {
        _context = context;
        _good = good;
        _openings = context.Plan.IsFloodOfTokens
            ? BadOpenings.Tokens(context.Targets[0], context.Protocol)
            : BadOpenings.Handshakes(context.Targets[0]);
        _free = new Queue<int>(Enumerable.Range(context.Plan.Connections, context.Plan.FloodAtOnce));
    }

    public bool IsSettled => _underWay == 0 && _good.IsSettled;

    public IReadOnlyList<string> RoomsOf(int number) => _good.RoomsOf(number);

    public void Begin()
    {
        _isActive = true;
        _pace = new Pace(_context.Plan.FloodRate);
        _good.Begin();
    }

    public TimeSpan Go()
    {
        // As fast as the server answers, but never more than a turn's worth before the good get theirs.
        int most = _free.Count;
        while (_isActive && most-- > 0 && (_context.Plan.FloodRate == 0 || _pace.TryTake(out _)))
        {
            int number = _free.Dequeue();
            _underWay++;
            _context.Loop.Open(number, _context.Plan.FirstNumber + number, _openings[_begun++ % _openings.Count]);
        }

        TimeSpan wait = _good.Go();
        TimeSpan own = _free.Count == 0 || !_isActive ? TimeSpan.MaxValue : _context.Plan.FloodRate == 0 ? TimeSpan.Zero : _pace.Wait;
        return own < wait ? own : wait;
    }

    public void Finish()
    {
        _isActive = false;
        _good.Finish();
    }

    public void OnOpened(Connection connection)
    {
        if (IsGood(connection))
        {
            _good.OnOpened(connection);
        }
        else
        {
            Counts.Count(_context.Counts.Problems, AcceptedBad);
            connection.SendClose(1000);
        }
    }

    public void OnMessage(Connection connection, ReadOnlySpan<byte> payload)
    {
        if (IsGood(connection))
        {
            _good.OnMessage(connection, payload);
        }
    }

    public void OnRead(Connection connection)
    {
        if (IsGood(connection))
        {
            _good.OnRead(connection);
        }
    }

    public EndKind OnEnded(Connection connection, ConnectionEnd end)
    {
        if (IsGood(connection))
        {
            return _good.OnEnded(connection, end);
        }

        Release(connection);
        return EndKind.Meant;
    }

    public void OnRefused(Connection connection, string why)
    {
        Counts.Count(_context.Counts.Rebuffs, why);
        Release(connection);
    }

    private bool IsGood(Connection connection) => connection.Number < _context.Plan.Connections;

    private void Release(Connection connection)
    {
        _underWay--;
        _free.Enqueue(connection.Number);
    }
}
