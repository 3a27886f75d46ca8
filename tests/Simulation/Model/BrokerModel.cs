using Weir.Relay.Brokers;
using Weir.Simulation.Scheduling;

namespace Weir.Simulation.Model;

/// <summary>
/// One node's broker: a link for commands and one for announcements to the <see cref="ServerModel"/>. Each takes its time,
/// and messages do not overtake each other on a link.
/// </summary>
internal sealed class BrokerModel(string name, ServerModel server, SimulationScheduler scheduler) : IBroker
{
    private static readonly TimeSpan _commandTimeout = TimeSpan.FromSeconds(2);

    private readonly HashSet<string> _wanted = [];
    private readonly List<Action<Exception>> _inFlight = [];
    private IBrokerSink? _sink;
    private DateTimeOffset _lastFailure;
    private DateTimeOffset _lastArrival;
    private DateTimeOffset _lastReply;
    private DateTimeOffset _lastAnnouncement;
    private int _link;
    private int _announcements;
    private bool _refuses;

    public bool IsSingleNode => false;

    public BrokerHealth Health { get; private set; } = BrokerHealth.Degraded;

    /// <summary>The next announcement of a room with history does not come, although the link stands: the node's inbox was full.</summary>
    public bool LosesNext { get; set; }

    /// <summary>So much longer than anything else announcements take: the server's queue for that link is long.</summary>
    public TimeSpan AnnouncementDelay { get; set; }

    /// <summary>Whether the link is up at the start.</summary>
    public bool IsUpAtStart { get; set; } = true;

    public Task StartAsync(IBrokerSink sink, CancellationToken cancellationToken)
    {
        _sink = sink;
        if (IsUpAtStart)
        {
            server.Subscriptions[this] = [];
            Health = BrokerHealth.Up;
        }
        else
        {
            _refuses = true;
        }

        return Task.CompletedTask;
    }

    public ValueTask<StreamPosition> PublishAsync(string room, Publication publication, RoomRule rule, CancellationToken cancellationToken)
        => new(SendAsync(() => server.Publish(name, room, publication, rule, scheduler.Clock.GetUtcNow())));

    public ValueTask<StreamPosition> SkipAsync(string room, RoomRule rule, CancellationToken cancellationToken)
        => new(SendAsync(() => server.Skip(name, room, rule)));

    public ValueTask<RoomHistory> ReadHistoryAsync(string room, HistoryQuery query, RoomRule rule, CancellationToken cancellationToken)
        => new(SendAsync(() => server.Read(room, query, rule)));

    public async ValueTask SubscribeAsync(string room, CancellationToken cancellationToken)
    {
        _wanted.Add(room);
        if (!server.Subscriptions.ContainsKey(this))
        {
            throw new BrokerUnavailableException("The link for announcements is down.", isUnknown: false);
        }

        int announcements = _announcements;
        await SendAsync(() =>
        {
            if (announcements == _announcements && server.Subscriptions.TryGetValue(this, out HashSet<string>? rooms))
            {
                rooms.Add(room);
            }

            return true;
        });
    }

    public async ValueTask UnsubscribeAsync(string room, CancellationToken cancellationToken)
    {
        _wanted.Remove(room);
        await SendAsync(() => server.Subscriptions.TryGetValue(this, out HashSet<string>? rooms) && rooms.Remove(room));
    }

    public ValueTask RemoveHistoryAsync(string room, CancellationToken cancellationToken) => default;

    public async ValueTask SetPresenceAsync(string room, RoomMember member, TimeSpan lifetime, CancellationToken cancellationToken)
        => await SendAsync(() => server.Present(room)[member.Client] = member);

    public ValueTask RemovePresenceAsync(string room, string client, CancellationToken cancellationToken) => default;

    public ValueTask<IReadOnlyList<RoomMember>> ReadPresenceAsync(string room, CancellationToken cancellationToken)
        => new(SendAsync<IReadOnlyList<RoomMember>>(() => [.. server.Present(room).Values]));

    public ValueTask SendControlAsync(string? node, ReadOnlyMemory<byte> message, CancellationToken cancellationToken) => default;

    public ValueTask DisposeAsync() => default;

    /// <summary>Whether a command has failed since a moment.</summary>
    public bool HasFailedSince(DateTimeOffset moment) => _lastFailure >= moment;

    /// <summary>The server announces: it arrives after a while, unless the link breaks before.</summary>
    public void Announce(string room, Publication publication, string epoch)
    {
        if (LosesNext && epoch.Length > 0) // where there is no history, only a broken link loses one
        {
            LosesNext = false;
            return;
        }

        int announcements = _announcements;
        DateTimeOffset at = Later(scheduler.Clock.GetUtcNow()) + AnnouncementDelay;
        _lastAnnouncement = at > _lastAnnouncement ? at : _lastAnnouncement;
        scheduler.After(_lastAnnouncement - scheduler.Clock.GetUtcNow(), () =>
        {
            if (announcements == _announcements)
            {
                _sink!.OnPublication(room, publication, epoch);
            }
        });
    }

    /// <summary>The links break; of the commands on their way it is not known whether they are done.</summary>
    public void LoseLinks()
    {
        _refuses = true;
        _link++;
        foreach (Action<Exception> fail in _inFlight.ToList())
        {
            fail(new BrokerUnavailableException(name + ": the link broke.", isUnknown: true));
        }

        LoseAnnouncementLink();
    }

    /// <summary>Only the link for announcements breaks.</summary>
    public void LoseAnnouncementLink()
    {
        _announcements++;
        server.Subscriptions.Remove(this);
        SetHealth(BrokerHealth.Degraded);
    }

    /// <summary>The server does not answer: after a while the node detects it.</summary>
    /// <param name="dropsLink">It closes the link for announcements, too.</param>
    public void OnSilence(bool dropsLink)
    {
        _refuses = true;
        if (dropsLink)
        {
            LoseAnnouncementLink();
        }
        else
        {
            SetHealth(BrokerHealth.Degraded);
        }
    }

    /// <summary>The links are restored, and with them the subscriptions.</summary>
    public void Heal()
    {
        _refuses = false;
        int link = _link;
        if (!server.Subscriptions.ContainsKey(this))
        {
            server.Subscriptions[this] = [];
        }

        // Those that came meanwhile subscribe themselves.
        server.Subscriptions[this].UnionWith(_wanted);
        scheduler.After(scheduler.Between(1, 50), () =>
        {
            if (link == _link && !_refuses && server.Subscriptions.TryGetValue(this, out HashSet<string>? rooms))
            {
                rooms.UnionWith(_wanted);
                SetHealth(server.RefusesWrites ? BrokerHealth.Refusing : BrokerHealth.Up);
            }
        });
    }

    /// <summary>The server refuses writes from now on, or takes them again: after a while the node detects it.</summary>
    public void OnRefusalChanged() => scheduler.After(scheduler.Between(1, 1000), () =>
    {
        if (Health != BrokerHealth.Degraded)
        {
            SetHealth(server.RefusesWrites ? BrokerHealth.Refusing : BrokerHealth.Up);
        }
    });

    private void SetHealth(BrokerHealth health)
    {
        if (Health != health)
        {
            Health = health;
            _sink!.OnHealthChanged(health);
        }
    }

    private Task<T> SendAsync<T>(Func<T> execute)
    {
        if (_refuses)
        {
            _lastFailure = scheduler.Clock.GetUtcNow();
            return Task.FromException<T>(new BrokerUnavailableException(name + ": the server is away.", isUnknown: false));
        }

        TaskCompletionSource<T> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        void Fail(Exception error)
        {
            _inFlight.Remove(Fail);
            if (answer.TrySetException(error))
            {
                _lastFailure = scheduler.Clock.GetUtcNow();
            }
        }

        _inFlight.Add(Fail);
        int link = _link;
        _lastArrival = Later(_lastArrival);
        scheduler.After(_lastArrival - scheduler.Clock.GetUtcNow(), () =>
        {
            if (link == _link)
            {
                server.Take(() => Execute(link));
            }
        });
        scheduler.After(_commandTimeout, () => Fail(new BrokerUnavailableException(name + ": no answer in time.", isUnknown: true)));
        return answer.Task;

        void Execute(int sentOn)
        {
            if (sentOn != _link)
            {
                return; // read from a connection that is closed: what had arrived is done or not; here it is not
            }

            Action reply;
            try
            {
                T result = execute();
                reply = () => answer.TrySetResult(result);
            }
            catch (BrokerUnavailableException error)
            {
                reply = () => answer.TrySetException(error);
            }

            _lastReply = Later(_lastReply);
            scheduler.After(_lastReply - scheduler.Clock.GetUtcNow(), () =>
            {
                if (sentOn == _link)
                {
                    _inFlight.Remove(Fail);
                    reply();
                }
            });
        }
    }

    // Mostly a moment, sometimes longer; never before what was sent earlier.
    private DateTimeOffset Later(DateTimeOffset last)
    {
        TimeSpan delay = scheduler.Random.Next(10) == 0 ? scheduler.Between(1, 80) : scheduler.Between(0.1, 3);
        DateTimeOffset at = scheduler.Clock.GetUtcNow() + delay;
        return at > last ? at : last;
    }
}
