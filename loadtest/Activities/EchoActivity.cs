using System.Diagnostics;
using Weir.LoadTest.Client;
using Weir.LoadTest.Workers;

namespace Weir.LoadTest.Activities;

/// <summary>
/// Connections get back what they send. With a rate, messages are sent when they are due, whether or not the last one has been
/// answered. Without, each connection keeps so many under way and sends the next with the answer: as fast as the server can.
/// </summary>
internal sealed class EchoActivity : IActivity
{
    private readonly WorkerContext _context;
    private readonly WorkerPlan _settings;

    // Answers come in the order of the messages: only the due times of these are kept.
    private readonly Queue<long>[] _due;
    private readonly byte[]?[] _frames;
    private readonly int[] _toSend;
    private Pace _pace = new(0);
    private bool _isActive;
    private int _next;
    private long _underWay;

    public EchoActivity(WorkerContext context)
    {
        _context = context;
        _settings = context.Plan;
        _due = [.. Enumerable.Range(0, _settings.Connections).Select(static _ => new Queue<long>())];
        _frames = new byte[_settings.Connections][];
        _toSend = new int[_settings.Connections];
    }

    public bool IsSettled => _underWay == 0;

    private bool IsOpenLoop => _settings.EchoRate > 0;

    private int CopiesPerFrame => IsOpenLoop ? 1 : _settings.Depth;

    public IReadOnlyList<string> RoomsOf(int number)
        => _context.Protocol.EchoRoomOf(_settings.FirstNumber + number) is { } room ? [room] : [];

    public void Begin()
    {
        _isActive = true;
        _pace = new Pace(_settings.EchoRate);
        for (int i = 0; i < _settings.Connections && !IsOpenLoop; i++)
        {
            if (_context.Loop[i] is { IsOpen: true } connection)
            {
                Send(connection, _settings.Depth, Stopwatch.GetTimestamp());
            }
        }
    }

    public TimeSpan Go()
    {
        // A connection with a full send buffer is passed over: the message is due all the same, and the next connection sends it.
        for (int passedOver = 0; _isActive && IsOpenLoop && passedOver < _settings.Connections;)
        {
            if (_context.Loop[_next] is not { IsOpen: true, IsBackedUp: false } connection)
            {
                passedOver++;
            }
            else if (_pace.TryTake(out long due))
            {
                Send(connection, 1, due);
            }
            else
            {
                break;
            }

            _next = (_next + 1) % _settings.Connections;
        }

        return _pace.Wait;
    }

    public void Finish() => _isActive = false;

    public void OnMessage(Connection connection, ReadOnlySpan<byte> payload)
    {
        if (payload.Length != _settings.PayloadBytes || !_due[connection.Number].TryDequeue(out long due))
        {
            _context.Counts.Misplaced++;
            return;
        }

        _underWay--;
        _toSend[connection.Number]++;
        _context.Counts.Received++;
        _context.Messages.RecordSince(due);
    }

    public void OnRead(Connection connection)
    {
        // All that was read at once is answered at once.
        int count = _toSend[connection.Number];
        _toSend[connection.Number] = 0;
        if (count > 0 && _isActive && !IsOpenLoop)
        {
            Send(connection, count, Stopwatch.GetTimestamp());
        }
    }

    public void OnOpened(Connection connection)
    {
        if (_isActive && !IsOpenLoop)
        {
            Send(connection, _settings.Depth, Stopwatch.GetTimestamp());
        }
    }

    // What was under way is not answered any more; the books show it as missing.
    public EndKind OnEnded(Connection connection, ConnectionEnd end)
    {
        _underWay -= _due[connection.Number].Count;
        _due[connection.Number].Clear();
        _toSend[connection.Number] = 0;
        return EndKind.Lost;
    }

    private void Send(Connection connection, int count, long due)
    {
        byte[] frames = _frames[connection.Number] ??= FramesOf(connection.Number);
        connection.Send(frames.AsSpan(0, frames.Length / CopiesPerFrame * count));
        for (int i = 0; i < count; i++)
        {
            _due[connection.Number].Enqueue(due);
        }

        _underWay += count;
        _context.Counts.Sent += count;
        _context.Counts.Expected += count;
    }

    // One for all where all send the same.
    private byte[] FramesOf(int number)
    {
        string? room = _context.Protocol.EchoRoomOf(_settings.FirstNumber + number);
        if (room is null && number > 0)
        {
            return _frames[0] ??= FramesOf(0);
        }

        byte[] frame = _context.Protocol.Echo(room ?? "", _settings.PayloadBytes);
        return [.. Enumerable.Repeat(frame, CopiesPerFrame).SelectMany(static each => each)];
    }
}
