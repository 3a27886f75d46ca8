using Weir.Client.Timing;

namespace Weir.Client.Centrifugo;

/// <summary>
/// The commands of one connection that have no answer yet. One timer stands on the oldest of them; without any it does not run. An answer
/// and the time-out may race: whoever takes a command out is the one who ends it.
/// </summary>
internal sealed class Unanswered : IDisposable
{
    private static readonly DeliveryResult _late = new(Delivery.Unknown, "no answer in time");
    private static readonly DeliveryResult _lost = new(Delivery.Unknown, "the connection ended before the answer");

    private readonly Lock _gate = new();
    private readonly Dictionary<uint, Command> _commands = [];
    private readonly Queue<Command> _byAge = [];
    private readonly TimeProvider _time;
    private readonly TimeSpan _timeout;
    private readonly Patience _patience;
    private bool _ended;

    public Unanswered(TimeProvider time, TimeSpan timeout)
    {
        _time = time;
        _timeout = timeout;
        _patience = new Patience(time, EndLate);
    }

    /// <summary>It is about to be sent.</summary>
    public void Add(Command command)
    {
        lock (_gate)
        {
            if (!_ended)
            {
                command.SentAt = _time.GetTimestamp();
                _commands.Add(command.Id, command);
                _byAge.Enqueue(command);
                if (_byAge.Count == 1)
                {
                    _patience.Begin(_timeout);
                }

                return;
            }
        }

        command.End(_lost);
    }

    /// <summary>Its answer is there; null if nobody waits for it any more.</summary>
    public Command? Take(uint id)
    {
        lock (_gate)
        {
            _commands.Remove(id, out Command? command);
            while (_byAge.TryPeek(out Command? oldest) && !_commands.ContainsKey(oldest.Id))
            {
                _byAge.Dequeue(); // answers mostly come in order: nothing is held for longer than it must
            }

            return command;
        }
    }

    /// <summary>The connection has ended: there will be no more answers.</summary>
    public void EndAll()
    {
        Command[] left;
        lock (_gate)
        {
            _ended = true;
            left = [.. _commands.Values];
            _commands.Clear();
            _byAge.Clear();
        }

        foreach (Command command in left)
        {
            command.End(_lost);
        }
    }

    public void Dispose() => _patience.Dispose();

    private void EndLate()
    {
        List<Command> late = [];
        lock (_gate)
        {
            while (_byAge.TryPeek(out Command? oldest))
            {
                TimeSpan left = _timeout - _time.GetElapsedTime(oldest.SentAt);
                bool isAnswered = !_commands.ContainsKey(oldest.Id);
                if (!isAnswered && left > TimeSpan.Zero)
                {
                    _patience.Begin(left);
                    break;
                }

                _byAge.Dequeue();
                if (_commands.Remove(oldest.Id))
                {
                    late.Add(oldest);
                }
            }
        }

        foreach (Command command in late)
        {
            command.End(_late);
            (command as OwnCommand)?.WasNotAnswered();
        }
    }
}
