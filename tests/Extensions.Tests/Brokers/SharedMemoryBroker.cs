using System.Collections.Concurrent;
using Weir.Relay.Brokers;

namespace Weir.Extensions.Tests.Brokers;

/// <summary>A broker of several nodes in one process. Thread-safe.</summary>
internal sealed class SharedMemoryBroker(SharedMemory memory) : IBroker
{
    private readonly ConcurrentDictionary<string, bool> _subscribed = new(StringComparer.Ordinal);
    private IBrokerSink? _sink;

    public bool IsSingleNode => false;

    public BrokerHealth Health => _sink is null ? BrokerHealth.Degraded : BrokerHealth.Up;

    // begin: start
    public Task StartAsync(IBrokerSink sink, CancellationToken cancellationToken)
    {
        _sink = sink;
        memory.Add(sink.NodeId, this);
        sink.OnHealthChanged(BrokerHealth.Up);
        return Task.CompletedTask;
    }

    // end
    public ValueTask<StreamPosition> PublishAsync(
        string room, Publication publication, RoomRule rule, CancellationToken cancellationToken)
        => new(memory.Publish(room, publication, rule));

    public ValueTask SubscribeAsync(string room, CancellationToken cancellationToken)
    {
        _subscribed[room] = true;
        return ValueTask.CompletedTask;
    }

    public ValueTask UnsubscribeAsync(string room, CancellationToken cancellationToken)
    {
        _subscribed.TryRemove(room, out _);
        return ValueTask.CompletedTask;
    }

    public ValueTask<RoomHistory> ReadHistoryAsync(
        string room, HistoryQuery query, RoomRule rule, CancellationToken cancellationToken)
        => new(rule.KeepsHistory
            ? memory.With(room, (log, now) => log.Read(query, now))
            : new RoomHistory([], new StreamPosition("", 0)));

    public ValueTask<StreamPosition> SkipAsync(string room, RoomRule rule, CancellationToken cancellationToken)
        => new(memory.With(room, static (log, _) =>
        {
            log.Skip();
            return log.Top;
        }));

    public ValueTask RemoveHistoryAsync(string room, CancellationToken cancellationToken)
    {
        memory.With(room, static (log, _) =>
        {
            log.ClearHistory();
            return true;
        });
        return ValueTask.CompletedTask;
    }

    public ValueTask SetPresenceAsync(string room, RoomMember member, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        memory.SetPresence(room, member, lifetime);
        return ValueTask.CompletedTask;
    }

    public ValueTask RemovePresenceAsync(string room, string client, CancellationToken cancellationToken)
    {
        memory.RemovePresence(room, client);
        return ValueTask.CompletedTask;
    }

    public ValueTask<IReadOnlyList<RoomMember>> ReadPresenceAsync(string room, CancellationToken cancellationToken)
        => new(memory.With(room, static (log, now) => log.Present(now)));

    public ValueTask SendControlAsync(string? node, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        memory.SendControl(node, _sink!.NodeId, message);
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        if (_sink is { } sink)
        {
            memory.Remove(sink.NodeId);
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Called in the order of all announcements.</summary>
    internal void Announce(string room, Action<IBrokerSink> announcement)
    {
        if (_subscribed.ContainsKey(room))
        {
            announcement(_sink!);
        }
    }

    internal void Control(ReadOnlyMemory<byte> message) => _sink!.OnControl(message);
}
