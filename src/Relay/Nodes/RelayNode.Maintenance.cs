using System.Collections.Concurrent;
using Weir.Relay.Brokers;
using Weir.Relay.Diagnostics;
using Weir.Relay.Rooms;

namespace Weir.Relay.Nodes;

// One timer for all rooms: each second those rooms are maintained whose phase it is. A room without history and presence is skipped.
public sealed partial class RelayNode
{
    /// <summary>How often maintenance runs, and with it failed operations are retried.</summary>
    internal static readonly TimeSpan MaintenanceStep = TimeSpan.FromSeconds(1);

    // When a broker is available again, the positions of all rooms are read; at most this many at a time.
    private const int MaxReads = 64;

    private const uint StepsBeforeLossesAgain = 30;

    private readonly ConcurrentDictionary<LocalRoom, bool> _maintained = new();
    private readonly SemaphoreSlim _reads = new(MaxReads);
    private readonly ConcurrentDictionary<string, RoomRule> _losses = new(StringComparer.Ordinal);
    private volatile bool _owesLosses;
    private Task _settlingLosses = Task.CompletedTask;
    private uint _lossesFrom; // the step from which on it is retried
    private ITimer? _maintenanceTimer;
    private uint _step;

    internal void Maintain(LocalRoom room) => _maintained[room] = true;

    internal async ValueTask<RoomHistory> ReadHistoryAsync(LocalRoom room, HistoryQuery query)
    {
        await _reads.WaitAsync().ConfigureAwait(false);
        try
        {
            return await room.Broker.ReadHistoryAsync(room.Name, query, room.Rule, CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _reads.Release();
        }
    }

    /// <summary>
    /// Members of a room with history were sent a publication that has no offset: the next one of this node skips an offset before its own,
    /// or else maintenance does, so that each earlier position shows the gap.
    /// </summary>
    internal void OweLoss(LocalRoom room)
    {
        _losses[room.Name] = room.Rule;
        _owesLosses = true;
    }

    private async Task SettleLossesAsync()
    {
        _owesLosses = false; // before the iteration: a loss added meanwhile sets it again
        foreach ((string room, RoomRule rule) in _losses)
        {
            if (Broker.For(rule).Health != BrokerHealth.Up || !_losses.TryRemove(room, out _))
            {
                continue; // it cannot be stored now, or a publish has skipped an offset
            }

            try
            {
                StreamPosition skipped = await Broker.SkipAsync(room, rule, CancellationToken.None).ConfigureAwait(false);
                if (_rooms.TryGetValue(room, out LocalRoom? local))
                {
                    local.EventLoop.Post(RoomEvent.Skipped(skipped));
                }
            }
            catch (Exception error)
            {
                _losses.TryAdd(room, rule);
                if (error is BrokerUnavailableException)
                {
                    RelayLog.BrokerNotAsked(Logger, error, room); // the next step retries if the broker is up
                }
                else
                {
                    _lossesFrom = _step + StepsBeforeLossesAgain; // a broker that is up and fails may continue to fail
                    RelayLog.BrokerFailed(Logger, error, room);
                }

                break;
            }
        }

        _owesLosses |= !_losses.IsEmpty;
    }

    private void StartMaintenance()
    {
        ShowNode();
        _maintenanceTimer = _time.CreateTimer(static node => ((RelayNode)node!).RunMaintenance(), this, MaintenanceStep, MaintenanceStep);
    }

    private ValueTask StopMaintenanceAsync() => _maintenanceTimer?.DisposeAsync() ?? ValueTask.CompletedTask;

    private void RunMaintenance()
    {
        try
        {
            uint step = Interlocked.Increment(ref _step);
            uint checks = StepsOf(Settings.PositionCheckInterval);
            uint refreshes = StepsOf(Settings.PresenceLifetime / 3);
            if (step % NodePresenceSteps == 0)
            {
                ShowNode();
            }

            if (step % checks == 0 && Broker.For(DisconnectLog.Rule).Health != BrokerHealth.Degraded)
            {
                _disconnects.Read();
            }

            Copies.Trim();
            if (_owesLosses && step >= _lossesFrom && _settlingLosses.IsCompleted
                && _losses.Values.Any(rule => Broker.For(rule).Health == BrokerHealth.Up))
            {
                _settlingLosses = SettleLossesAsync();
            }

            foreach ((LocalRoom room, _) in _maintained)
            {
                uint turn = unchecked(step + room.Phase);
                room.Maintain(isCheckDue: turn % checks == 0, isRefreshDue: turn % refreshes == 0);
            }
        }
        catch (Exception error)
        {
            RelayLog.MaintenanceFailed(Logger, error); // a timer's exception would end the process
        }
    }

    private static uint StepsOf(TimeSpan time) => (uint)Math.Clamp(time / MaintenanceStep, 1, uint.MaxValue);
}
