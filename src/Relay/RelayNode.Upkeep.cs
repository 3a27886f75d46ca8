using System.Collections.Concurrent;
using Weir.Relay.Diagnostics;
using Weir.Relay.Rooms;

namespace Weir.Relay;

// One timer for all rooms: each second those have their turn whose phase it is. A room that keeps no history and no
// presence is not looked at.
public sealed partial class RelayNode
{
    /// <summary>How often the upkeep runs, and with it what failed is tried again.</summary>
    internal static readonly TimeSpan UpkeepStep = TimeSpan.FromSeconds(1);

    // A broker that comes back is asked for the positions of all rooms; so many at once.
    private const int MaxReads = 64;

    private const uint StepsBeforeLossesAgain = 30;

    private readonly ConcurrentDictionary<LocalRoom, bool> _tended = new();
    private readonly SemaphoreSlim _reads = new(MaxReads);
    private readonly ConcurrentDictionary<string, RoomRule> _losses = new(StringComparer.Ordinal);
    private volatile bool _owesLosses;
    private Task _settlingLosses = Task.CompletedTask;
    private uint _lossesFrom; // the step from which on it is tried again
    private ITimer? _upkeep;
    private uint _step;

    internal void Tend(LocalRoom room) => _tended[room] = true;

    internal async ValueTask<RoomHistory> ReadHistoryAsync(LocalRoom room, HistoryQuery query)
    {
        await _reads.WaitAsync().ConfigureAwait(false);
        try
        {
            return await Broker.ReadHistoryAsync(room.Name, query, room.Rule, CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _reads.Release();
        }
    }

    /// <summary>
    /// Members of a room with history were given a publication that has no number: the next one of this node leaves a number
    /// out before its own, or else the upkeep does, so that each position from before shows the gap.
    /// </summary>
    internal void OweLoss(LocalRoom room)
    {
        _losses[room.Name] = room.Rule;
        _owesLosses = true;
    }

    private async Task SettleLossesAsync()
    {
        _owesLosses = false; // before the look: what comes meanwhile sets it again
        foreach ((string room, RoomRule rule) in _losses)
        {
            if (!_losses.TryRemove(room, out _))
            {
                continue; // a publish has seen to it
            }

            try
            {
                StreamPosition skipped = await Broker.SkipAsync(room, rule, CancellationToken.None).ConfigureAwait(false);
                if (_rooms.TryGetValue(room, out LocalRoom? local))
                {
                    local.Drain.Post(new RoomEvent(RoomEventKind.Skipped, skipped));
                }
            }
            catch (Exception error)
            {
                _losses.TryAdd(room, rule);
                if (error is BrokerUnavailableException)
                {
                    RelayLog.BrokerNotAsked(Logger, error, room); // the next step tries again if the broker is up
                }
                else
                {
                    _lossesFrom = _step + StepsBeforeLossesAgain; // a broker that is up and fails may do so for long
                    RelayLog.BrokerFailed(Logger, error, room);
                }

                break;
            }
        }

        _owesLosses |= !_losses.IsEmpty;
    }

    private void StartUpkeep()
    {
        ShowNode();
        _upkeep = _time.CreateTimer(static node => ((RelayNode)node!).RunUpkeep(), this, UpkeepStep, UpkeepStep);
    }

    private ValueTask StopUpkeepAsync() => _upkeep?.DisposeAsync() ?? ValueTask.CompletedTask;

    private void RunUpkeep()
    {
        try
        {
            uint step = Interlocked.Increment(ref _step);
            uint checks = StepsOf(Options.PositionCheckInterval);
            uint refreshes = StepsOf(Options.PresenceLifetime / 3);
            if (step % NodePresenceSteps == 0)
            {
                ShowNode();
            }

            Copies.Trim();
            if (_owesLosses && step >= _lossesFrom && Health == BrokerHealth.Up && _settlingLosses.IsCompleted)
            {
                _settlingLosses = SettleLossesAsync();
            }

            foreach ((LocalRoom room, _) in _tended)
            {
                uint turn = unchecked(step + room.Phase);
                room.Tend(isCheckDue: turn % checks == 0, isRefreshDue: turn % refreshes == 0);
            }
        }
        catch (Exception error)
        {
            RelayLog.UpkeepFailed(Logger, error); // a timer's exception would end the process
        }
    }

    private static uint StepsOf(TimeSpan time) => (uint)Math.Clamp(time / UpkeepStep, 1, uint.MaxValue);
}
