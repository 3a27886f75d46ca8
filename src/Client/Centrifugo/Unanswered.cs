using Weir.Client.Sending;
using Weir.Client.Timing;

namespace Weir.Client.Centrifugo;

/// <summary>
/// The commands of one connection that await a reply. One timer is set for the oldest; it does not run if there is none. A reply
/// and the timeout may race: the caller that removes a command ends it.
/// </summary>
internal sealed class Unanswered : IDisposable
{
    private static readonly DeliveryResult _late = new(Delivery.Unknown, "no answer in time");
    private static readonly DeliveryResult _lost = new(Delivery.Unknown, "the connection ended before the answer");

    private readonly Lock _gate = new();
    private readonly Dictionary<uint, PendingCommand> _commands = [];
    private readonly Queue<PendingCommand> _byAge = [];
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly TimeSpan _timeout;
    private readonly RunningTimeout _timer;
    private bool _ended;

    public Unanswered(TimeProvider time, TimeSpan timeout)
    {
        _time = time;
        _start = time.GetTimestamp();
        _timeout = timeout;
        _timer = new RunningTimeout(time, EndLate);
    }

    /// <summary>Adds a command that is about to be sent.</summary>
    public void Add(PendingCommand command)
    {
        lock (_gate)
        {
            if (!_ended)
            {
                command.SentAt = RunningSinceStart;
                _commands.Add(command.Id, command);
                _byAge.Enqueue(command);
                if (_byAge.Count == 1)
                {
                    _timer.Begin(_timeout);
                }

                return;
            }
        }

        command.End(_lost);
    }

    /// <summary>Removes the command of a reply; <c>null</c> if it is no longer awaited.</summary>
    public PendingCommand? Take(uint id)
    {
        lock (_gate)
        {
            _commands.Remove(id, out PendingCommand? command);
            while (_byAge.TryPeek(out PendingCommand? oldest) && !_commands.ContainsKey(oldest.Id))
            {
                _byAge.Dequeue(); // replies mostly arrive in order, so commands are released early
            }

            return command;
        }
    }

    /// <summary>Ends all commands: the connection has ended.</summary>
    public void EndAll()
    {
        PendingCommand[] left;
        lock (_gate)
        {
            _ended = true;
            left = [.. _commands.Values];
            _commands.Clear();
            _byAge.Clear();
        }

        foreach (PendingCommand command in left)
        {
            command.End(_lost);
        }
    }

    public void Dispose() => _timer.Dispose();

    // Without the pauses of the process, so that a command sent shortly before one has its time for a reply.
    private TimeSpan RunningSinceStart => _time.GetElapsedTime(_start) - _timer.Paused;

    private void EndLate()
    {
        List<PendingCommand> late = [];
        lock (_gate)
        {
            while (_byAge.TryPeek(out PendingCommand? oldest))
            {
                TimeSpan left = _timeout - (RunningSinceStart - oldest.SentAt);
                bool isAnswered = !_commands.ContainsKey(oldest.Id);
                if (!isAnswered && left > TimeSpan.Zero)
                {
                    _timer.Begin(left);
                    break;
                }

                _byAge.Dequeue();
                if (_commands.Remove(oldest.Id))
                {
                    late.Add(oldest);
                }
            }
        }

        foreach (PendingCommand command in late)
        {
            command.End(_late);
            (command as OwnCommand)?.WasNotAnswered();
        }
    }
}
