using Weir.Brokers.Nats.Streams;
using Weir.Brokers.Nats.Writing;
using Weir.Relay.Brokers;

namespace Weir.Brokers.Nats.Presence;

/// <summary>Writes one bucket of a room's presence. The node whose message is stored announces the joins and leaves in it.</summary>
internal sealed class PresenceWriter(
    string subject, IWriterContext context, Func<RoomMember, bool, Task> announce)
    : SubjectWriter<PresenceOperation>(subject, context)
{
    private readonly List<(RoomMember Member, bool HasJoined)> _changes = [];
    private Dictionary<string, PresentClient> _clients = [];
    private Dictionary<string, PresentClient> _next = [];

    protected override StreamState StreamOf(Storage storage) => storage.Streams.Presence;

    protected override int SizeOf(PresenceOperation operation) => operation.Body.Length + 12;

    protected override void Load(StoredMessage? last)
        => _clients = (last is null ? [] : PresenceDocument.Read(last.Body))
            .ToDictionary(static client => client.Member.Client, StringComparer.Ordinal);

    protected override ReadOnlyMemory<byte>? Build(Storage storage, List<PresenceOperation> operations)
    {
        long now = storage.Clock.Now;
        _changes.Clear();
        _next = new Dictionary<string, PresentClient>(_clients, StringComparer.Ordinal);
        bool isChanged = false;
        foreach (PresentClient client in _clients.Values.Where(client => client.Until <= now))
        {
            _next.Remove(client.Member.Client);
            _changes.Add((client.Member, false));
            isChanged = true;
        }

        foreach (PresenceOperation operation in operations)
        {
            if (operation.Member is { } member)
            {
                if (!_next.ContainsKey(member.Client))
                {
                    _changes.Add((member, true));
                }

                _next[member.Client] = new PresentClient(member, operation.Body, now + (long)operation.Lifetime.TotalMilliseconds);
                isChanged = true;
            }
            else if (operation.Client is { } absent && _next.Remove(absent, out PresentClient? left))
            {
                _changes.Add((left.Member, false));
                isChanged = true;
            }
        }

        if (!isChanged)
        {
            return null;
        }

        ReadOnlyMemory<byte> message = PresenceDocument.Encode(_next.Values);
        return message.Length < Context.MaxPayload - 512
            ? message
            : throw new BrokerUnavailableException(
                $"The presence of the room needs messages of {message.Length} bytes, and the server's max_payload is {Context.MaxPayload}.",
                isUnknown: false);
    }

    protected override void Complete(List<PresenceOperation> operations, ulong? sequence)
    {
        Task announced = Task.CompletedTask;
        if (sequence is not null)
        {
            _clients = _next;
            foreach ((RoomMember member, bool hasJoined) in _changes)
            {
                announced = announce(member, hasJoined); // of several the last one is confirmed last
            }
        }

        if (announced.IsCompletedSuccessfully)
        {
            foreach (PresenceOperation operation in operations)
            {
                operation.Result.TryComplete(true);
            }
        }
        else
        {
            _ = CompleteAsync([.. operations], announced);
        }
    }

    private static async Task CompleteAsync(PresenceOperation[] operations, Task announced)
    {
        try
        {
            await announced;
            Array.ForEach(operations, static operation => operation.Result.TryComplete(true));
        }
        catch (BrokerUnavailableException error)
        {
            // Recorded, but the other nodes may not be notified.
            BrokerUnavailableException unknown = new(error.Message, isUnknown: true, error);
            Array.ForEach(operations, operation => operation.Fail(unknown));
        }
    }
}
